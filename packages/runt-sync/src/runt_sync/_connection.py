"""One TCP connection, on hypercorn's HTTP and WebSocket protocols.

This takes the place of hypercorn's own trio worker (0.18), which lets one peer harm the
others: a protocol error in one connection ends the whole server (a refused upgrade and
a few more bytes do that, without a token), a peer that reads nothing keeps the server
from ever stopping (sends are shielded from cancellation), and a request body that
nobody reads leaves its task behind. tests/runt-sync/hostile has a case for each.
"""

import logging
from contextlib import suppress
from math import inf
from typing import cast

import h11
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import (
    AppWrapper,
    ConnectionState,
    TaskGroup,
)
from wsproto.connection import Connection as WebSocketConnection

from ._app_tasks import AppTasks
from ._limits import Limits
from ._probes import ProbedConnection, Probes

_log = logging.getLogger("runt_sync")
_PIECE_BYTES = 65_536
_PING = b"\x89\x00"  # RFC 6455 §5.5.2, without content; every client answers by itself


class Connection:
    """Serve one accepted socket until either side ends it.

    Args:
        app: The application, as hypercorn wraps it.
        config: Hypercorn's settings.
        context: Tells hypercorn's protocols that the server stops.
        limits: The bounds to keep.
        stream: The accepted socket.
    """

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        limits: Limits,
        stream: trio.SocketStream,
    ) -> None:
        self._app = app
        self._config = config
        self._context = context
        self._limits = limits
        self._stream = stream
        self._probes = Probes(self._send)
        self._sending = trio.Lock()
        self._torn = False
        self._ending = False
        self._reading = trio.CancelScope()
        self._pinging = trio.CancelScope()
        self._read_deadline = trio.current_time() + config.keep_alive_timeout
        # For how long we have waited for a byte; what has come is handled meanwhile.
        self._listens_since = inf

    async def run(self) -> None:
        """Serve the socket; what goes wrong in it stays in this connection."""
        try:
            async with trio.open_nursery() as nursery:
                tasks = AppTasks(nursery, self._drop, self._probes)
                self._protocol = self._open_protocol(tasks)
                nursery.start_soon(self._ping_the_silent)
                await self._read()
                self._pinging.cancel()
        except* Exception as errors:  # noqa: BLE001 - none may reach the others
            _log_drop(errors)
        finally:
            await self._stream.aclose()

    def stop(self) -> None:
        """End the connection if no request is under way; else it ends after that."""
        if self._read_deadline < inf:
            self._set_read_deadline(-inf)

    def _open_protocol(self, tasks: AppTasks) -> "_Http1Protocol":
        return _Http1Protocol(
            self._app,
            self._config,
            self._context,
            cast("TaskGroup", tasks),  # all of it that the protocols use
            ConnectionState({}),
            ssl=False,
            client=None,  # nobody here reads these two
            server=None,
            send=self._handle_protocol_event,
        )

    async def _read(self) -> None:
        while data := await self._receive():
            if self._ending:
                continue  # only read so that closing does not reset the connection
            self._hear_pongs()
            await self._protocol.handle(RawData(data=data))
            if self._holds_too_large_message():
                await self._end()
                await self._protocol.handle(Closed())
        await self._stream.aclose()  # makes every send fail that is still under way
        await self._protocol.handle(Closed())

    async def _receive(self) -> bytes:
        with trio.CancelScope(deadline=self._read_deadline) as self._reading:
            self._listens_since = trio.current_time()
            try:
                return bytes(await self._stream.receive_some(_PIECE_BYTES))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return b""
            finally:
                self._listens_since = inf
        return b""

    async def _ping_the_silent(self) -> None:
        """Ask a WebSocket's silent peer for a byte; end the connection if none comes.

        TCP alone does not notice a peer that is gone as long as something between, a
        proxy or a sleeping machine's router, goes on to take what is sent.
        """
        limits = self._limits
        with self._pinging:
            while True:
                await trio.sleep(limits.ping_after_s)
                asked_at = trio.current_time()
                is_silent = asked_at - self._listens_since >= limits.ping_after_s
                if not is_silent or not self._is_open_websocket():
                    continue
                await self._send(_PING)
                await trio.sleep(limits.pong_s)
                if self._listens_since <= asked_at:
                    _log.info("a connection was dropped: its peer answers no ping")
                    await self._stream.aclose()  # the reader then reports the end

    def _is_open_websocket(self) -> bool:
        stream = self._protocol.stream
        is_websocket = isinstance(stream, WSStream)
        return is_websocket and stream.state is ASGIWebsocketState.CONNECTED

    def _hear_pongs(self) -> None:
        # Hypercorn 0.18 drops them; none comes before there is a WebSocket.
        stream = self._protocol.stream
        if isinstance(stream, WSStream) and self._is_open_websocket():
            connection = stream.connection
            if not isinstance(connection, ProbedConnection):
                probed = ProbedConnection(connection, self._probes)
                stream.connection = cast("WebSocketConnection", probed)

    def _set_read_deadline(self, deadline: float) -> None:
        self._read_deadline = deadline
        self._reading.deadline = deadline

    def _holds_too_large_message(self) -> bool:
        # Hypercorn answers a message that is too large with 1009, but goes on to keep
        # what comes of it in memory for as long as it comes.
        stream = self._protocol.stream
        return (
            isinstance(stream, WSStream)
            and stream.buffer.length > stream.buffer.max_length
        )

    async def _handle_protocol_event(self, event: Event) -> None:
        match event:
            case RawData(data=data):
                await self._send(data)
            case Updated(idle=idle) if not self._ending:
                self._set_read_deadline(self._idle_deadline() if idle else inf)
            case Closed():
                await self._end()
                await self._protocol.handle(Closed())
            case _:
                pass

    def _idle_deadline(self) -> float:
        if self._context.terminated.is_set():
            return -inf
        return trio.current_time() + self._config.keep_alive_timeout

    async def _send(self, data: bytes) -> None:
        async with self._sending:
            if self._torn:
                return
            self._torn = True  # unless all of it is sent: half a frame spoils the rest
            try:
                for start in range(0, len(data), _PIECE_BYTES):
                    with trio.fail_after(self._limits.send_stall_s):
                        await self._stream.send_all(data[start : start + _PIECE_BYTES])
            except (
                trio.BrokenResourceError,
                trio.ClosedResourceError,
                trio.TooSlowError,
            ):
                await self._stream.aclose()  # the reader then reports the end
            else:
                self._torn = False

    async def _drop(self, error: Exception) -> None:
        _log_drop(error)
        await self._stream.aclose()  # the reader then reports the end

    async def _end(self) -> None:
        """Close our side; the peer has a moment to read what it was told."""
        if self._ending:
            return
        self._ending = True
        self._set_read_deadline(trio.current_time() + self._limits.close_s)
        async with self._sending:
            if not self._torn:
                # The peer may have been faster.
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    await self._stream.send_eof()


class _Http1Protocol(H11Protocol):
    """HTTP/1.1 and WebSocket only.

    HTTP/2 brings nothing to clients on the same machine, and hypercorn's keeps its
    tasks when the peer leaves early. A client that offers it is answered in HTTP/1.1.
    """

    async def _check_protocol(self, event: h11.Request) -> None: ...


def _log_drop(error: BaseException) -> None:
    # What hypercorn and its libraries raise when a peer breaks a protocol. Anybody can
    # bring it about as often as they like, so it is no warning and has no traceback.
    # Nor are texts of theirs logged, which may quote the request, token and all.
    _log.info("a connection was dropped: %s", _leaf_names(error))


def _leaf_names(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return ", ".join(map(_leaf_names, group.exceptions))
    return type(error).__name__
