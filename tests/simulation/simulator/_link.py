"""One WebSocket between a machine and the server, as the network carries it."""

from collections.abc import Callable
from typing import Final

import trio
from websockets.frames import Close

from ._machine import Machine
from ._pipe import Pipe

SWITCHING_PROTOCOLS: Final = 101
"""The status with which a server opens a WebSocket."""


class Link:
    """One WebSocket between a machine and the server.

    Attributes:
        number: Counts the links of a simulation.
        machine: The client's machine.
        up: To the server.
        down: To the client.
        is_half_open: Whether both ends believe in it though nothing gets through.
        is_left: Whether the client has given it up.
        answer: The server's status, None until it comes.

    Args:
        number: See above.
        machine: See above.
        query: The query of the URL.
        delay: Draws how long the next frame travels, in seconds.
        window: Characters that may be on their way in one direction.
    """

    def __init__(
        self,
        number: int,
        machine: Machine,
        query: str,
        delay: Callable[[], float],
        window: int,
    ) -> None:
        self.number = number
        self.machine = machine
        self.query = query
        self.up = Pipe(delay, window)
        self.down = Pipe(delay, window)
        self.is_half_open = False
        self.answer: int | None = None
        self.body = ""
        self.answered = trio.Event()
        self.close: Close | None = None
        self.is_left = False

    @property
    def is_stalled(self) -> bool:
        """Whether nothing gets through at the moment."""
        return self.up.is_stalled

    def stall(self, *, stalled: bool) -> None:
        """Let nothing through in either direction, or let it through again."""
        self.up.stall(stalled=stalled)
        self.down.stall(stalled=stalled)

    def reset(self) -> None:
        """End it for both."""
        self.up.reset()
        self.down.reset()
        self.answered.set()
