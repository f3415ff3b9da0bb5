"""The network's calls, without a sandbox: real servers, and a resolver that lies."""

import socket
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest
import trio

from runt_worker import Limits, NetworkGrants
from runt_worker._calls import Answer, Call
from runt_worker._network import NetworkCalls
from runt_worker._network._connecting import Resolver, is_of_this_machine
from runt_worker._network._hosts import IpAddress

DATA = Path(__file__).parent / "data"
TIMEOUT_S = 30.0


class Served(Protocol):
    url: str
    port: int
    requests: list[tuple[str, str, dict[str, str]]]
    waiting: Any
    left: Any

    def paths(self) -> list[str]: ...


@dataclass
class Got:
    head: dict[str, Any] = field(default_factory=dict[str, Any])
    body: bytes = b""
    error: str = ""
    kind: str = ""


class Client:
    """Does what the guest does, in a thread as the real one."""

    def __init__(self, calls: NetworkCalls) -> None:
        self.calls = calls
        self.news = trio.Event()

    async def ask(self, method: str, tail: bytes = b"", /, **parameters: Any) -> Answer:
        raw = msgspec.Raw(msgspec.json.encode(parameters))
        call = Call(id=1, method=method, parameters=raw, tail=memoryview(tail))
        return await trio.to_thread.run_sync(self.calls.handlers()[method], call)

    async def start(self, url: str, **options: Any) -> Answer:
        body: bytes | None = options.pop("body", None)
        request: dict[str, Any] = {
            "method": "GET",
            "url": url,
            "headers": [],
            "redirect": "follow",
            "has_body": body is not None,
        }
        started = await self.ask("http_request", **request | options)
        if body is None or "error" in started.head:
            return started
        exchange = started.head["exchange"]
        sent = await self.ask("http_body", body, exchange=exchange, is_last=True)
        return sent if "error" in sent.head else started

    async def finish(self, exchange: int) -> Got:
        got = Got()
        with trio.fail_after(TIMEOUT_S):
            while True:
                answer = await self.ask("http_receive", exchange=exchange, waits=True)
                got.head = answer.head.get("head", got.head)
                got.body += answer.tail
                if "error" in answer.head:
                    got.error, got.kind = answer.head["error"], answer.head["kind"]
                if "error" in answer.head or "ended" in answer.head:
                    return got

    async def get(self, url: str, **options: Any) -> Got:
        started = (await self.start(url, **options)).head
        if "error" in started:
            return Got(error=started["error"], kind=started["kind"])
        return await self.finish(started["exchange"])

    async def take_news(self, exchanges: list[int]) -> None:
        assert exchanges
        self.news.set()


@asynccontextmanager
async def connected(
    *grants: str,
    limits: Limits | None = None,
    resolve: Callable[[str, int], Awaitable[list[IpAddress]]] | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncGenerator[Client]:
    parsed = NetworkGrants.parse(*grants)
    calls = NetworkCalls(parsed, limits or Limits(), resolve, ssl_context)
    client = Client(calls)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(calls.serve, client.take_news)
        yield client
        nursery.cancel_scope.cancel()


async def wait_for(event: Any) -> None:
    assert await trio.to_thread.run_sync(event.wait, TIMEOUT_S)


class LyingResolver:
    """Says one thing, and later another."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: Counter[str] = Counter()

    async def __call__(self, name: str, _port: int) -> list[IpAddress]:
        self.asked[name] += 1
        return [ip_address(self._answers.pop(0))]


# -- requests


async def test_a_granted_page_comes_with_its_head(site: Served) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        got = await client.get(f"{site.url}/")
        assert (got.head["status"], got.head["reason"]) == (200, "OK")
        assert got.head["url"] == f"{site.url}/"
        assert got.body.decode() == "grüße"
        names = {name.lower() for name, _ in got.head["headers"]}
        assert "content-type" in names


async def test_a_body_goes_along_and_follows_where_it_may(site: Served) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        for code, method, size in [(307, "POST", 4), (303, "GET", 0), (302, "GET", 0)]:
            url = f"{site.url}/redirect?code={code}&to=/echo"
            got = await client.get(url, method="POST", body=b"data")
            said = msgspec.json.decode(got.body)
            assert (said["method"], said["size"]) == (method, size)
            assert got.head["redirected"]


async def test_what_awaits_is_told_that_there_is_something(site: Served) -> None:
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


# -- where they lead


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:$other/",
        "http://localhost:$other/",
        "http://[::1]:$other/",
        "http://0.0.0.0:$other/",
        "http://[::ffff:127.0.0.1]:$other/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433:$other/",
        "http://127.1:$other/",
        "http://a@127.0.0.1:$other/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:$other/",
    ],
)
async def test_a_redirection_does_not_lead_out_of_the_grants(
    site: Served, other_site: Served, target: str
) -> None:
    target = target.replace("$other", str(other_site.port))
    async with connected(f"127.0.0.1:{site.port}", "*") as client:
        got = await client.get(f"{site.url}/redirect?to={target}")
    assert got.kind in {"refused", "failed"}
    assert got.head == {}
    assert other_site.requests == []


async def test_secrets_stay_with_their_origin(site: Served) -> None:
    secrets = [("Authorization", "Bearer x"), ("Cookie", "a=b"), ("X-Other", "c")]
    grants = [f"127.0.0.1:{site.port}", f"localhost:{site.port}"]
    async with connected(*grants) as client:
        same = f"{site.url}/redirect?to=/echo"
        await client.get(same, headers=secrets)
        assert {"authorization", "cookie", "x-other"} <= site.requests[-1][2].keys()
        elsewhere = f"{site.url}/redirect?to=http://localhost:{site.port}/echo"
        await client.get(elsewhere, headers=secrets)
        assert site.requests[-1][1] == "/echo"
        assert not {"authorization", "cookie"} & site.requests[-1][2].keys()
        assert "x-other" in site.requests[-1][2]


async def test_redirections_end(site: Served) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        got = await client.get(f"{site.url}/circle")
        assert got.error == "more than 20 redirections"
        manual = await client.get(f"{site.url}/circle", redirect="manual")
        assert manual.head["status"] == 302
        none = await client.get(f"{site.url}/circle", redirect="error")
        assert "redirects" in none.error


# -- names


async def test_a_name_is_looked_up_once_and_its_address_is_connected_to(
    site: Served,
) -> None:
    resolve = LyingResolver("127.0.0.1", "10.0.0.1")
    grants = ["lying.example", f"127.0.0.1:{site.port}"]
    async with connected(*grants, resolve=resolve) as client:
        url = f"http://lying.example:{site.port}/status?code=200"
        got = await client.get(url)
        assert got.head["status"] == 200
        assert resolve.asked == {"lying.example": 1}
        assert site.requests[-1][2]["host"] == f"lying.example:{site.port}"


async def test_a_name_that_changes_its_mind_is_refused_from_then_on(
    site: Served, other_site: Served
) -> None:
    resolve = LyingResolver("127.0.0.1", "127.0.0.1")
    # Of the two servers at that address one is named.
    grants = ["lying.example", f"127.0.0.1:{site.port}"]
    async with connected(*grants, resolve=resolve) as client:
        assert (await client.get(f"http://lying.example:{site.port}/")).head
        got = await client.get(f"http://lying.example:{other_site.port}/")
        assert got.kind == "refused"
        assert "lying.example at 127.0.0.1, which is not public" in got.error
    assert other_site.requests == []


async def test_the_system_is_asked_once(
    site: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = socket.getaddrinfo, list[str]()

    def lie(host: str, port: int, *args: Any, **options: Any) -> Any:
        asked.append(host)
        address = "127.0.0.1" if asked.count("lying.example") == 1 else "127.0.0.9"
        name = address if host == "lying.example" else host
        return real(name, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lie)
    async with connected("lying.example", f"127.0.0.1:{site.port}") as client:
        got = await client.get(f"http://lying.example:{site.port}/")
    assert got.head["status"] == 200
    assert asked.count("lying.example") == 1


async def test_the_real_resolver_knows_this_machine() -> None:
    addresses = await Resolver()("localhost", 80)
    assert addresses
    assert all(it.is_loopback for it in addresses)


async def test_a_name_that_nobody_has_is_an_error() -> None:
    async def resolve(_name: str, _port: int) -> list[IpAddress]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with connected("*", resolve=resolve) as client:
        got = await client.get("http://nobody.example/")
    assert "nobody.example cannot be looked up: Name or service" in got.error


async def test_every_public_host_is_granted_but_nothing_behind_their_names(
    other_site: Served,
) -> None:
    async def resolve(_name: str, _port: int) -> list[IpAddress]:
        return [ip_address("93.184.215.14"), ip_address("127.0.0.1")]

    async with connected("*", resolve=resolve) as client:
        got = await client.get(f"http://both.example:{other_site.port}/")
        assert got.kind == "refused"
    assert other_site.requests == []


def test_this_machine_is_known_by_every_address_of_its_own() -> None:
    assert is_of_this_machine(ip_address("127.0.0.1"))
    assert not is_of_this_machine(ip_address("192.0.2.1"))


# -- certificates


@pytest.mark.parametrize(
    ("name", "trusts", "says"),
    [
        ("secure.example", True, ""),
        ("other.example", True, "not valid for 'other.example'"),
        ("secure.example", False, "CERTIFICATE_VERIFY_FAILED"),
    ],
)
async def test_a_certificate_is_for_the_name_and_not_for_the_address(
    secure_site: Served, name: str, says: str, *, trusts: bool
) -> None:
    trusted = ssl.create_default_context(
        cafile=DATA / "authority.pem" if trusts else None
    )
    resolve = LyingResolver("127.0.0.1")
    port = secure_site.port
    grants = [name, f"127.0.0.1:{port}"]
    async with connected(*grants, resolve=resolve, ssl_context=trusted) as client:
        got = await client.get(f"https://{name}:{port}/")
    assert bool(got.head) == (says == "")
    assert says in got.error


# -- limits


async def test_an_answer_is_not_endless(site: Served) -> None:
    limits = Limits(max_download_bytes=1_000_000)
    async with connected(f"127.0.0.1:{site.port}", limits=limits) as client:
        got = await client.get(f"{site.url}/large?bytes=900000")
        assert (got.error, len(got.body)) == ("", 900_000)
        got = await client.get(f"{site.url}/large?bytes=2000000")
        assert got.error == "127.0.0.1 sent more than 976.6 KB"
        assert len(got.body) <= 1_000_000


async def test_what_is_sent_is_not_endless(site: Served) -> None:
    limits = Limits(max_upload_bytes=1000)
    async with connected(f"127.0.0.1:{site.port}", limits=limits) as client:
        post = {"method": "POST"}
        assert (await client.get(f"{site.url}/echo", body=b"x" * 1000, **post)).head
        got = await client.get(f"{site.url}/echo", body=b"x" * 1001, **post)
        assert got.error == "requests under way have bodies of more than 1000 bytes"
        # What has ended counts no more.
        assert (await client.get(f"{site.url}/echo", body=b"x" * 1000, **post)).head


async def test_a_request_ends_in_time(site: Served) -> None:
    limits = Limits(http_timeout_s=0.3)
    async with connected(f"127.0.0.1:{site.port}", limits=limits) as client:
        got = await client.get(f"{site.url}/never?begins=1")
    assert (got.kind, got.error) == ("timeout", "127.0.0.1 took more than 0.3 s")
    assert got.body == b"x"


async def test_what_the_guest_does_not_take_is_not_fetched(site: Served) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        started = await client.start(f"{site.url}/large?bytes=30000000")
        exchange = started.head["exchange"]
        await trio.sleep(0.5)
        got = await client.ask("http_receive", exchange=exchange, waits=True)
        assert 0 < len(got.tail) < 512 * 1024
        rest = await client.finish(exchange)
        assert len(got.tail) + len(rest.body) == 30_000_000


async def test_not_too_many_requests_are_open(site: Served) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        started = [await client.start(f"{site.url}/") for _ in range(256)]
        more = await client.start(f"{site.url}/")
        assert more.head["error"] == "more than 256 requests are open"
        for each in started:
            await client.ask("http_close", exchange=each.head["exchange"])
        assert (await client.get(f"{site.url}/")).head


# -- interrupts


@pytest.mark.parametrize("path", ["/never", "/never?begins=1"])
async def test_an_interrupt_ends_what_its_cell_began(site: Served, path: str) -> None:
    site.waiting.clear()
    site.left.clear()
    async with connected(f"127.0.0.1:{site.port}") as client:
        client.calls.cell = 7
        exchange = (await client.start(site.url + path)).head["exchange"]
        await wait_for(site.waiting)
        client.calls.interrupt(8)
        await trio.sleep(0.1)
        assert not site.left.is_set()
        client.calls.interrupt(7)
        got = await client.finish(exchange)
        assert (got.kind, got.error) == ("ended", "the request was interrupted")
        await wait_for(site.left)


async def test_what_nobody_wants_any_more_is_ended(site: Served) -> None:
    site.waiting.clear()
    site.left.clear()
    async with connected(f"127.0.0.1:{site.port}") as client:
        exchange = (await client.start(f"{site.url}/never")).head["exchange"]
        await wait_for(site.waiting)
        await client.ask("http_close", exchange=exchange)
        await wait_for(site.left)


async def test_the_end_of_the_worker_ends_all(site: Served) -> None:
    site.waiting.clear()
    site.left.clear()
    async with connected(f"127.0.0.1:{site.port}") as client:
        exchange = (await client.start(f"{site.url}/never")).head["exchange"]
        await wait_for(site.waiting)
    await wait_for(site.left)
    assert (await client.finish(exchange)).kind == "ended"
    late = (await client.start(f"{site.url}/")).head["exchange"]
    with trio.fail_after(TIMEOUT_S):
        assert (await client.finish(late)).error == "the worker was stopped"


# -- what a hostile guest says

REQUEST: dict[str, Any] = {
    "method": "GET",
    "url": "http://127.0.0.1/",
    "headers": [],
    "redirect": "follow",
    "has_body": False,
}


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


async def test_a_body_ends_once(site: Served) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        url = f"{site.url}/echo"
        started = await client.start(url, method="POST", body=b"once")
        exchange = started.head["exchange"]
        more = await client.ask("http_body", b"x", exchange=exchange, is_last=True)
        assert more.head["kind"] == "invalid"
        assert msgspec.json.decode((await client.finish(exchange)).body)["size"] == 4


async def test_without_a_grant_nothing_is_looked_up(other_site: Served) -> None:
    resolve = LyingResolver()
    async with connected(resolve=resolve) as client:
        for url in ("http://a.example/", f"{other_site.url}/"):
            assert (await client.get(url)).kind == "refused"
    assert resolve.asked == {}
    assert other_site.requests == []
