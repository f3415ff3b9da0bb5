"""Clients that go on whatever happens to their server, and a network that fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Literal

import pytest
import trio


class Proxy:
    """Stands between clients and a server.

    Attributes:
        mode: `pass` carries bytes; `swallow` takes them and carries none, as a machine
            does that went to sleep behind a router.
        server_ended: Set once the server has ended a connection.
    """

    def __init__(self, server_port: int, port: int) -> None:
        self.sync_url = f"ws://127.0.0.1:{port}/livestore"
        self.mode: Literal["pass", "swallow"] = "pass"
        self.server_ended = trio.Event()
        self._server_port = server_port

    async def handle(self, client: trio.SocketStream) -> None:
        async with (
            await trio.open_tcp_stream("127.0.0.1", self._server_port) as server,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(self._carry, client, server)
            await self._carry(server, client)
            self.server_ended.set()
            nursery.cancel_scope.cancel()

    async def _carry(self, source: trio.SocketStream, sink: trio.SocketStream) -> None:
        try:
            async for piece in source:
                if self.mode == "pass":
                    await sink.send_all(piece)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the end, too


StartProxy = Callable[[str], Awaitable[Proxy]]


@pytest.fixture
async def start_proxy() -> AsyncGenerator[StartProxy]:
    async with trio.open_nursery() as nursery:

        async def start(sync_url: str) -> Proxy:
            [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
            port = listener.socket.getsockname()[1]
            server_port = int(sync_url.rpartition(":")[2].partition("/")[0])
            proxy = Proxy(server_port, port)
            nursery.start_soon(partial(trio.serve_listeners, proxy.handle, [listener]))
            return proxy

        yield start
        nursery.cancel_scope.cancel()
