"""One direction of a connection: frames in order, each late by its own delay."""

from collections import deque
from collections.abc import Callable

import trio


class BrokenPipeInSimulation(Exception):  # noqa: N818 - the edges turn it into theirs
    """The connection was reset, or this end of it has been closed."""


class Pipe:
    """Carries frames as TCP does: in order and whole, or not at all.

    Args:
        delay: Draws how long the next frame travels, in seconds.
        window: Characters that may be on their way before a sender has to wait.
    """

    def __init__(self, delay: Callable[[], float], window: int) -> None:
        self._delay = delay
        self._window = window
        self._frames: deque[tuple[float, str]] = deque()
        self._chars = 0
        self._last_arrival = 0.0
        self._changed = trio.lowlevel.ParkingLot()
        self.is_stalled = False
        self._is_finished = False
        self._refuses_frames = False
        self._is_reset = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on its way."""
        return not self._frames

    async def send(self, text: str) -> None:
        """Send a frame; wait while the window is full.

        Raises:
            BrokenPipeInSimulation: This end is closed.
        """
        await trio.lowlevel.checkpoint()
        while self._chars > self._window and not self._refuses_frames:
            await self._changed.park()
        if self._refuses_frames:
            raise BrokenPipeInSimulation
        self._last_arrival = max(
            self._last_arrival, trio.current_time() + self._delay()
        )
        self._frames.append((self._last_arrival, text))
        self._chars += len(text)
        self._changed.unpark_all()

    async def receive(self) -> str | None:
        """Wait for the next frame; None is the end.

        Raises:
            BrokenPipeInSimulation: The connection was reset.
        """
        await trio.lowlevel.checkpoint()
        while True:
            if self._is_reset:
                raise BrokenPipeInSimulation
            if self.is_stalled or not (self._frames or self._is_finished):
                await self._changed.park()
            elif not self._frames:
                return None
            elif (arrival := self._frames[0][0]) <= trio.current_time():
                return self._take()
            else:
                with trio.move_on_at(arrival):
                    await self._changed.park()

    def stall(self, *, stalled: bool) -> None:
        """Let nothing through, or let it through again."""
        self.is_stalled = stalled
        self._changed.unpark_all()

    def finish(self) -> None:
        """Take no more frames; the receiver gets what is on its way, then the end."""
        self._refuses_frames = True
        self._is_finished = True
        self._changed.unpark_all()

    def refuse(self) -> None:
        """Tell the sender, and only it, that the connection is gone."""
        self._refuses_frames = True
        self._changed.unpark_all()

    def reset(self) -> None:
        """Lose what is on its way; either end learns that the connection is gone."""
        self._refuses_frames = True
        self._is_reset = True
        self._frames.clear()
        self._chars = 0
        self._changed.unpark_all()

    def _take(self) -> str:
        _, text = self._frames.popleft()
        self._chars -= len(text)
        self._changed.unpark_all()
        return text
