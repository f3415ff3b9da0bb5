"""How much, how many and how long."""

import msgspec
import trio
from network_rig import REQUEST, TIMEOUT_S, Site, connected

from runt_worker import Limits
from runt_worker._calls import Call


async def test_an_answer_is_not_endless(site: Site) -> None:
    limits = Limits(max_download_bytes=1_000_000)
    async with connected(f"127.0.0.1:{site.port}", limits=limits) as client:
        got = await client.get(f"{site.url}/large?bytes=900000")
        assert (got.error, len(got.body)) == ("", 900_000)
        got = await client.get(f"{site.url}/large?bytes=2000000")
        assert got.error == "127.0.0.1 sent more than 976.6 KB"
        assert len(got.body) <= 1_000_000


async def test_what_is_sent_is_not_endless(site: Site) -> None:
    limits = Limits(max_upload_bytes=1000)
    async with connected(f"127.0.0.1:{site.port}", limits=limits) as client:
        post = {"method": "POST"}
        assert (await client.get(f"{site.url}/echo", body=b"x" * 1000, **post)).head
        got = await client.get(f"{site.url}/echo", body=b"x" * 1001, **post)
        assert got.error == "requests under way have bodies of more than 1000 bytes"
        # What has ended counts no more.
        assert (await client.get(f"{site.url}/echo", body=b"x" * 1000, **post)).head


async def test_a_request_ends_in_time(site: Site) -> None:
    limits = Limits(http_timeout_s=0.3)
    async with connected(f"127.0.0.1:{site.port}", limits=limits) as client:
        got = await client.get(f"{site.url}/never?begins=1")
    assert (got.kind, got.error) == ("timeout", "127.0.0.1 took more than 0.3 s")
    assert got.body == b"x"


async def test_what_the_guest_does_not_take_is_not_fetched(site: Site) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        started = await client.start(f"{site.url}/large?bytes=30000000")
        exchange = started.head["exchange"]
        await trio.sleep(0.5)
        got = await client.ask("http_receive", exchange=exchange, waits=True)
        assert 0 < len(got.tail) < 512 * 1024
        rest = await client.finish(exchange)
        assert len(got.tail) + len(rest.body) == 30_000_000


async def test_not_too_many_requests_are_open(site: Site) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        started = [await client.start(f"{site.url}/") for _ in range(256)]
        more = await client.start(f"{site.url}/")
        assert more.head["error"] == "more than 256 requests are open"
        for each in started:
            await client.ask("http_close", exchange=each.head["exchange"])
        assert (await client.get(f"{site.url}/")).head


async def test_opening_and_closing_in_a_hurry_harms_nobody(site: Site) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        ask = client.calls.handlers()

        def hurry() -> None:
            request = msgspec.json.encode(REQUEST | {"url": f"{site.url}/"})
            open_one = Call(id=1, method="", parameters=msgspec.Raw(request))
            for _ in range(1000):
                opened = ask["http_request"](open_one).head
                if "exchange" in opened:
                    said = msgspec.Raw(msgspec.json.encode(opened))
                    ask["http_close"](Call(id=1, method="", parameters=said))

        await trio.to_thread.run_sync(hurry)
        with trio.fail_after(TIMEOUT_S):
            while not (await client.get(f"{site.url}/")).head:
                pass
