"""Frames on their way to one WebSocket."""

from collections import deque

import trio

from ._limits import Limits


class Outbox:
    """A queue that takes frames at once and remembers when it is too full.

    Whoever puts never waits, so a slow client slows nobody else down. A writer takes
    the frames out as fast as the client reads.

    Args:
        limits: How much may wait.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._frames: deque[tuple[str, int | None]] = deque()
        self._chars = 0
        self._closed = False
        self._waiting = trio.lowlevel.ParkingLot()

    def put(self, frame: str, probe: int | None = None) -> bool:
        """Queue a frame; one that comes after `close` goes nowhere.

        Args:
            frame: The frame.
            probe: The probe to send behind it, if any.

        Returns:
            Whether it fits in. If it does not, the client has missed a frame.
        """
        if self._closed:
            return True
        if self._frames and not self._has_room_for(frame):
            return False
        self._frames.append((frame, probe))
        self._chars += len(frame)
        self._waiting.unpark_all()
        return True

    def close(self, *, discard: bool) -> None:
        """Take no more frames; let the writer end.

        Args:
            discard: Whether to drop what waits. Else the writer still gets it.
        """
        self._closed = True
        if discard:
            self._frames.clear()
        self._waiting.unpark_all()

    async def get(self) -> tuple[str, int | None] | None:
        """Wait for the next frame and its probe; None once closed and empty."""
        while not self._frames and not self._closed:
            await self._waiting.park()
        if not self._frames:
            return None
        frame, probe = self._frames.popleft()
        self._chars -= len(frame)
        self._waiting.unpark_all()
        return frame, probe

    async def drained(self) -> None:
        """Wait until the writer has taken all frames."""
        while self._frames:
            await self._waiting.park()

    def _has_room_for(self, frame: str) -> bool:
        return (
            len(self._frames) < self._limits.max_queued_frames
            and self._chars + len(frame) <= self._limits.max_queued_chars
        )
