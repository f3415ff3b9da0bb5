"""The application's tasks of one connection."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import trio
from hypercorn.config import Config
from hypercorn.typing import AppWrapper, ASGIReceiveEvent, ASGISendEvent, Scope

from ._inbox import Inbox
from ._probes import EXTENSION, Probes

_log = logging.getLogger("runt_sync")


class AppTasks:
    """The application's tasks of one connection, as hypercorn's protocols start them.

    Args:
        nursery: Where they live.
        drop: Ends the connection for an error of its protocol.
        probes: The probes of the connection, for the application of a WebSocket.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        drop: Callable[[Exception], Awaitable[None]],
        probes: Probes,
    ) -> None:
        self._nursery = nursery
        self._drop = drop
        self._probes = probes

    async def spawn_app(
        self,
        app: AppWrapper,
        config: Config,
        scope: Scope,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        """Start the application for a request; return what feeds it events."""

        async def send_or_drop(event: ASGISendEvent | None) -> None:
            try:
                await send(event)
            except Exception as error:  # noqa: BLE001 - the peer's, not the application's
                await self._drop(error)

        if scope["type"] == "websocket":
            extensions = cast("dict[str, object]", scope["extensions"])
            extensions[EXTENSION] = self._probes
        inbox = Inbox(config.max_app_queue_size)
        self._nursery.start_soon(self._run_app, app, scope, inbox, send_or_drop)
        return inbox.put

    def spawn(self, func: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Start a task of hypercorn's own."""
        self._nursery.start_soon(func, *args)

    async def _run_app(
        self,
        app: AppWrapper,
        scope: Scope,
        inbox: Inbox,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> None:
        try:
            await app(
                scope,
                inbox.receive,
                send,
                trio.to_thread.run_sync,
                trio.from_thread.run,
            )
        except Exception:  # noqa: BLE001 - it is the application's, and told
            _log.exception("a request failed")
        finally:
            inbox.finish()
        await send(None)
