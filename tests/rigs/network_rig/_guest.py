"""What a guest makes of the network's calls, without a sandbox around it."""

import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import msgspec
import trio

from runt_worker import Limits, NetworkGrants
from runt_worker._calls import Answer, Call
from runt_worker._network import NetworkCalls
from runt_worker._network._hosts import IpAddress

TIMEOUT_S = 30.0
"""Generous: the machine may be busy."""

REQUEST: dict[str, Any] = {
    "method": "GET",
    "url": "http://127.0.0.1/",
    "headers": [],
    "redirect": "follow",
    "has_body": False,
}


@dataclass
class Got:
    head: dict[str, Any] = field(default_factory=dict[str, Any])
    body: bytes = b""
    error: str = ""
    kind: str = ""


class Guest:
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
) -> AsyncGenerator[Guest]:
    parsed = NetworkGrants.parse(*grants)
    calls = NetworkCalls(parsed, limits or Limits(), resolve, ssl_context)
    guest = Guest(calls)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(calls.serve, guest.take_news)
        yield guest
        nursery.cancel_scope.cancel()


class LyingResolver:
    """Says one thing, and later another."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: Counter[str] = Counter()

    async def __call__(self, name: str, _port: int) -> list[IpAddress]:
        self.asked[name] += 1
        return [ip_address(self._answers.pop(0))]
