"""Pings of the application's own, which tell what has come to a WebSocket's peer.

RFC 6455 §5.5.2: whoever gets a Ping answers with a Pong that repeats its content. That
needs nothing of the peer's program, and happens in the order of the frames. ASGI has no
words for it; where there are `Probes`, they are among the extensions of a WebSocket's
scope.
"""

import struct
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import trio
from wsproto.connection import Connection as WebSocketConnection
from wsproto.events import Event, Pong

EXTENSION: Final = "runt.probes"

_MAX_SENT: Final = 256
"""So many times are kept; the oldest is what counts."""

_NUMBER: Final = struct.Struct(">Q")
_PING: Final = b"\x89"  # FIN and the opcode; a server's frames are not masked


class Probes:
    """The probes of one connection.

    Args:
        send: Sends bytes to the peer, behind those that were sent before.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._answered: Callable[[int], None] | None = None
        self._sent: deque[tuple[int, float]] = deque()

    def listen(self, answered: Callable[[int], None]) -> None:
        """Have a function called with the number of each probe that comes back.

        Args:
            answered: The function; the peer chooses when it is called, and with what.
        """
        self._answered = answered

    @property
    def oldest_s(self) -> float | None:
        """For how many seconds the oldest probe has waited; None if none does."""
        return trio.current_time() - self._sent[0][1] if self._sent else None

    async def send(self, number: int) -> None:
        """Send a probe behind everything that was sent before.

        Args:
            number: What comes back, from 0 to 2**64 - 1.
        """
        content = _NUMBER.pack(number)
        if len(self._sent) < _MAX_SENT:
            self._sent.append((number, trio.current_time()))
        await self._send(_PING + bytes([len(content)]) + content)

    def receive_pong(self, content: bytes) -> None:
        """Take note of a Pong; one that answers no probe is none of ours."""
        if len(content) != _NUMBER.size:
            return
        [number] = _NUMBER.unpack(content)
        while self._sent and self._sent[0][0] <= number:
            self._sent.popleft()
        if self._answered is not None:
            self._answered(number)


class ProbedConnection:
    """A WebSocket connection of wsproto whose Pongs go to `Probes`.

    Args:
        connection: The connection; everything else of it stays as it is.
        probes: Where Pongs go.
    """

    def __init__(self, connection: WebSocketConnection, probes: Probes) -> None:
        self._connection = connection
        self._probes = probes

    def events(self) -> Iterator[Event]:
        """Return the events that are no Pong."""
        for event in self._connection.events():
            if isinstance(event, Pong):
                self._probes.receive_pong(bytes(event.payload))
            else:
                yield event

    def __getattr__(self, name: str) -> Any:
        """Return what the connection has by that name."""
        return getattr(self._connection, name)
