"""What hypercorn is to the application: the server's end of a connection."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio
from websockets.frames import Close

from ._link import SWITCHING_PROTOCOLS, Link
from ._network import Network
from ._pipe import BrokenPipeInSimulation

# After which a server's TCP finds out that nobody is there (`Limits.silence_s`, and
# some probes), and how long it waits for a peer that takes nothing (`send_stall_s`).
_KEEP_ALIVE_S: Final = 75.0
_SEND_STALL_S: Final = 20.0


async def serve_link(
    network: Network, link: Link, asgi: Callable[..., Awaitable[None]]
) -> None:
    """Run the application for one connection, as an ASGI server does."""
    scope: dict[str, Any] = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": "/livestore/websocket",
        "raw_path": b"/livestore/websocket",
        "root_path": "",
        "query_string": link.query.encode(),
        "headers": [],
        "subprotocols": [],
        "client": None,
        "server": None,
        "extensions": {"websocket.http.response": {}},
    }
    end = _ServersEnd(network, link)
    await asgi(scope, end.receive, end.send)
    link.down.finish()
    link.up.refuse()
    link.answered.set()


class _ServersEnd:
    """`receive` and `send` of one connection."""

    def __init__(self, network: Network, link: Link) -> None:
        self._network = network
        self._link = link
        self._is_connected = False

    async def receive(self) -> dict[str, Any]:
        if not self._is_connected:
            self._is_connected = True
            return {"type": "websocket.connect"}
        try:
            text = await self._receive()
        except BrokenPipeInSimulation:
            text = None
        if text is None:
            return {"type": "websocket.disconnect", "code": 1006}
        self._network.tap.pushed(self._link, text)
        return {"type": "websocket.receive", "text": text}

    async def _receive(self) -> str | None:
        while True:
            with trio.move_on_after(_KEEP_ALIVE_S):
                return await self._link.up.receive()
            if self._link.is_stalled:
                return None

    async def send(self, message: dict[str, Any]) -> None:
        link = self._link
        match message["type"]:
            case "websocket.accept":
                link.answer = SWITCHING_PROTOCOLS
                link.answered.set()
            case "websocket.send":
                await self._send_text(message["text"])
            case "websocket.close":
                link.close = Close(message.get("code", 1000), message.get("reason", ""))
                link.down.finish()
            case "websocket.http.response.start":
                link.answer = message["status"]
            case "websocket.http.response.body":
                link.body = message.get("body", b"").decode()
                link.answered.set()
            case other:
                raise AssertionError(f"the application sends {other}")

    async def _send_text(self, text: str) -> None:
        self._network.tap.answered(self._link, text)
        with trio.move_on_after(_SEND_STALL_S) as waiting:
            try:
                await self._link.down.send(text)
            except BrokenPipeInSimulation:
                return  # as hypercorn's: the reader reports the end
        if waiting.cancelled_caught:
            self._link.reset()
        self._network.find_out(self._link)
