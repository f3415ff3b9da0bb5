"""The network's calls, without a sandbox: what they bring, and what they refuse."""

from typing import Any

import msgspec
import pytest
import trio
from network_rig import REQUEST, TIMEOUT_S, LyingResolver, Site, connected


async def test_a_granted_page_comes_with_its_head(site: Site) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        got = await client.get(f"{site.url}/")
        assert (got.head["status"], got.head["reason"]) == (200, "OK")
        assert got.head["url"] == f"{site.url}/"
        assert got.body.decode() == "grüße"
        names = {name.lower() for name, _ in got.head["headers"]}
        assert "content-type" in names


async def test_a_body_goes_along_and_follows_where_it_may(site: Site) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        for code, method, size in [(307, "POST", 4), (303, "GET", 0), (302, "GET", 0)]:
            url = f"{site.url}/redirect?code={code}&to=/echo"
            got = await client.get(url, method="POST", body=b"data")
            said = msgspec.json.decode(got.body)
            assert (said["method"], said["size"]) == (method, size)
            assert got.head["redirected"]


async def test_what_awaits_is_told_that_there_is_something(site: Site) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        exchange = (await client.start(f"{site.url}/")).head["exchange"]
        with trio.fail_after(TIMEOUT_S):
            while True:
                answer = await client.ask(
                    "http_receive", exchange=exchange, waits=False
                )
                if answer.head:
                    break
                await client.news.wait()
                client.news = trio.Event()
        assert answer.head["head"]["status"] == 200


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("http_request", {}),
        ("http_request", REQUEST | {"method": "G T"}),
        ("http_request", REQUEST | {"method": "GET\r\nX: y"}),
        ("http_request", REQUEST | {"method": "GET\n"}),
        ("http_request", REQUEST | {"method": "CONNECT"}),
        ("http_request", REQUEST | {"method": "trace"}),
        ("http_request", REQUEST | {"url": 5}),
        ("http_request", REQUEST | {"url": "http://127.0.0.1/\r\nX: y"}),
        ("http_request", REQUEST | {"redirect": "blindly"}),
        ("http_request", REQUEST | {"headers": [["Host", "evil.example"]]}),
        ("http_request", REQUEST | {"headers": [["connection", "upgrade"]]}),
        ("http_request", REQUEST | {"headers": [["Content-Length", "5"]]}),
        ("http_request", REQUEST | {"headers": [["Transfer-Encoding", "chunked"]]}),
        ("http_request", REQUEST | {"headers": [["Proxy-Authorization", "x"]]}),
        ("http_request", REQUEST | {"headers": [["Upgrade", "websocket"]]}),
        ("http_request", REQUEST | {"headers": [["X", "a\r\nHost: evil"]]}),
        ("http_request", REQUEST | {"headers": [["X", "a\n"]]}),
        ("http_request", REQUEST | {"headers": [["X", "a\0b"]]}),
        ("http_request", REQUEST | {"headers": [["X", "☃"]]}),
        ("http_request", REQUEST | {"headers": [["X: y\r\nZ", "a"]]}),
        ("http_request", REQUEST | {"headers": [["", "a"]]}),
        ("http_request", REQUEST | {"headers": [["X", "a"]] * 101}),
        ("http_request", REQUEST | {"headers": [["X", "a" * 40_000]] * 2}),
        ("http_request", REQUEST | {"headers": [["X", "a", "b"]]}),
        ("http_body", {"exchange": 1, "is_last": True}),
        ("http_body", {"exchange": "1", "is_last": True}),
        ("http_receive", {"exchange": 1, "waits": True}),
        ("http_receive", {"exchange": -1, "waits": True}),
        ("http_receive", {"exchange": 1e300, "waits": True}),
        ("http_close", {"exchange": None}),
    ],
)
async def test_nonsense_is_refused(method: str, parameters: dict[str, Any]) -> None:
    async with connected("127.0.0.1") as client:
        answer = await client.ask(method, **parameters)
    assert answer.head["kind"] == "invalid"


async def test_a_body_ends_once(site: Site) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        url = f"{site.url}/echo"
        started = await client.start(url, method="POST", body=b"once")
        exchange = started.head["exchange"]
        more = await client.ask("http_body", b"x", exchange=exchange, is_last=True)
        assert more.head["kind"] == "invalid"
        assert msgspec.json.decode((await client.finish(exchange)).body)["size"] == 4


async def test_without_a_grant_nothing_is_looked_up(other_site: Site) -> None:
    resolve = LyingResolver()
    async with connected(resolve=resolve) as client:
        for url in ("http://a.example/", f"{other_site.url}/"):
            assert (await client.get(url)).kind == "refused"
    assert resolve.asked == {}
    assert other_site.requests == []
