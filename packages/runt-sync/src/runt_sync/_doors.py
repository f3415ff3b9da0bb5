"""Accepting connections, and seeing them all out again."""

import logging

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from starlette.applications import Starlette

from ._connection import Connection
from ._limits import Limits

# Frames or body pieces of one request that wait for the application; with the largest
# messages that is what one peer can fill memory with.
_WAITING_EVENTS = 2


class Doors:
    """Serves every connection of a listener in a task of its own.

    Args:
        app: What answers requests and WebSockets.
        limits: The bounds to keep.
    """

    def __init__(self, app: Starlette, limits: Limits) -> None:
        self._app = ASGIWrapper(app)  # pyright: ignore[reportArgumentType] - two typings of ASGI
        self._config = _hypercorn_config(limits)
        self._context = WorkerContext(max_requests=None)
        self._limits = limits
        self._connections: set[Connection] = set()
        self._accepting = trio.CancelScope()
        self._empty = trio.Event()

    async def serve(self, listener: trio.SocketListener) -> None:
        """Accept until `close` is called; return once all connections have ended."""
        try:
            async with trio.open_nursery() as nursery:
                with self._accepting:
                    await trio.serve_listeners(
                        self._serve_one, [listener], handler_nursery=nursery
                    )
                await listener.aclose()
        finally:
            self._empty.set()

    async def close(self) -> None:
        """Accept no more, and wait until every connection has ended by itself."""
        self._accepting.cancel()
        await self._context.terminated.set()
        for connection in self._connections:
            connection.stop()
        await self._empty.wait()

    async def _serve_one(self, stream: trio.SocketStream) -> None:
        connection = Connection(
            self._app, self._config, self._context, self._limits, stream
        )
        self._connections.add(connection)
        if self._accepting.cancel_called:  # accepted at the last moment
            connection.stop()
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)


def _hypercorn_config(limits: Limits) -> Config:
    config = Config()
    config.accesslog = None  # a line of it would hold the token of the query
    config.errorlog = logging.getLogger("runt_sync")
    config.include_server_header = False
    config.max_app_queue_size = _WAITING_EVENTS
    config.websocket_max_message_size = limits.sync.max_message_bytes
    return config
