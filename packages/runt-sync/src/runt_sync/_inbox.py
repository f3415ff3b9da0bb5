"""What the network has brought for one request, until the application reads it."""

from collections import deque

import trio
from hypercorn.typing import ASGIReceiveEvent


class Inbox:
    """A bounded queue that never blocks whoever reports the end of a request.

    Hypercorn 0.18 queues the end behind everything else: with a full queue and an
    application that reads no more, the task that reports it waits for ever.

    Args:
        capacity: Events that may wait; reading from the network pauses beyond.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._events: deque[ASGIReceiveEvent] = deque()
        self._end: ASGIReceiveEvent | None = None
        self._finished = False
        self._waiting = trio.lowlevel.ParkingLot()

    async def put(self, event: ASGIReceiveEvent) -> None:
        """Add an event; wait while the inbox is full and the application reads."""
        if event["type"] in {"http.disconnect", "websocket.disconnect"}:
            self._end = event
            self._waiting.unpark_all()
            return
        while len(self._events) >= self._capacity and not self._is_over:
            await self._waiting.park()
        if not self._is_over:
            self._events.append(event)
            self._waiting.unpark_all()

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next event; after the end of the request always its end."""
        await trio.lowlevel.checkpoint()
        while not self._events:
            if self._end is not None:
                return self._end
            await self._waiting.park()
        event = self._events.popleft()
        self._waiting.unpark_all()
        return event

    def finish(self) -> None:
        """Drop what comes from now on: the application has returned."""
        self._finished = True
        self._events.clear()
        self._waiting.unpark_all()

    @property
    def _is_over(self) -> bool:
        return self._finished or self._end is not None
