"""A proxy between client and server that loses what a network loses."""

import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import trio

_PIECE_BYTES = 65_536
_WAIT_S = 60
# Linger for no time: closing resets the connection, and what is under way is lost.
_RESET = struct.pack("ii", 1, 0)
_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


class Proxy:
    """Passes bytes on, unless it is told not to.

    Attributes:
        url: The sync URL behind it.
        accepted: How many connections were taken so far.
        kept_bytes: How much has come since that was told to be kept back.
        answers: The bytes that servers have said to clients, for tests to look into.
    """

    def __init__(self, target: str, port: int) -> None:
        parts = urlsplit(target)
        self._host = parts.hostname or ""
        self._port = parts.port or 0
        self._streams: set[trio.SocketStream] = set()
        self._clients: set[trio.SocketStream] = set()
        self._half_open: set[trio.SocketStream] = set()
        self._may_pass = {"up": trio.Event(), "down": trio.Event()}
        self.url = parts._replace(netloc=f"127.0.0.1:{port}").geturl()
        self.accepted = 0
        self._is_refusing = False
        self.kept_bytes = 0
        self.answers = bytearray()
        self._changed = trio.lowlevel.ParkingLot()
        self.release()

    async def until(self, predicate: Callable[[], object]) -> None:
        """Wait until something is true that only traffic can make true."""
        with trio.fail_after(_WAIT_S):
            while not predicate():
                await self._changed.park()

    def hold_requests(self) -> None:
        """Keep back what clients say from now on, until `release` or for good."""
        self._may_pass["up"] = trio.Event()

    def hold_answers(self) -> None:
        """Keep back what the server says from now on, until `release` or for good."""
        self._may_pass["down"] = trio.Event()

    def release(self) -> None:
        """Pass on what was kept back."""
        for event in self._may_pass.values():
            event.set()

    async def cut(self) -> None:
        """Reset every connection; what is kept back is lost."""
        held = self._may_pass
        self._may_pass = {"up": trio.Event(), "down": trio.Event()}
        self.release()
        for stream in list(self._streams):
            await _reset(stream)
        for event in held.values():
            event.set()

    @asynccontextmanager
    async def outage(self) -> AsyncGenerator[None]:
        """Reset every connection, and every new one while the block runs."""
        self._is_refusing = True
        await self.cut()
        yield
        self._is_refusing = False

    async def lose_clients(self) -> None:
        """Reset every client; the server hears nothing of that, nor of anything else.

        So it is when a machine moves to another network. What is kept back is lost.
        """
        clients, self._clients = self._clients, set()
        self._half_open |= self._streams - clients
        for client in clients:
            await _reset(client)
        held, self._may_pass = (
            self._may_pass,
            {"up": trio.Event(), "down": trio.Event()},
        )
        self.release()
        for event in held.values():
            event.set()

    async def serve(self, client: trio.SocketStream) -> None:
        """Serve one connection."""
        self.accepted += 1
        self._changed.unpark_all()
        if self._is_refusing:
            await _reset(client)
            return
        try:
            server = await trio.open_tcp_stream(self._host, self._port)
        except OSError:
            await _reset(client)
            return
        pair = {client, server}
        self._streams |= pair
        self._clients.add(client)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pump, client, server, "up")
            nursery.start_soon(self._pump, server, client, "down")
        self._streams -= pair

    async def _pump(
        self, source: trio.SocketStream, sink: trio.SocketStream, direction: str
    ) -> None:
        pair = {source, sink}
        try:
            try:
                await self._pass_on(source, sink, direction)
            except _BROKEN:
                if not pair & self._half_open:
                    await _reset(sink)
            if pair & self._half_open:
                await trio.sleep_forever()
        finally:
            await source.aclose()
            await sink.aclose()

    async def _pass_on(
        self, source: trio.SocketStream, sink: trio.SocketStream, direction: str
    ) -> None:
        while data := await source.receive_some(_PIECE_BYTES):
            may_pass = self._may_pass[direction]
            if not may_pass.is_set():
                self.kept_bytes += len(data)
                self._changed.unpark_all()
            await may_pass.wait()
            if may_pass is not self._may_pass[direction]:
                break  # the connection was cut meanwhile
            if direction == "down":
                self.answers += data
                self._changed.unpark_all()
            await sink.send_all(data)


async def _reset(stream: trio.SocketStream) -> None:
    try:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    except _BROKEN:
        return  # closed already
    await stream.aclose()


@asynccontextmanager
async def open_proxy(target: str) -> AsyncGenerator[Proxy]:
    """Listen in front of a server.

    Args:
        target: The server's sync URL.
    """
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    proxy = Proxy(target, listener.socket.getsockname()[1])
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, proxy.serve, [listener])
        yield proxy
        nursery.cancel_scope.cancel()
