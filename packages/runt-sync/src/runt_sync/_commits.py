"""Appends on their way to the disk: several stores share one transaction."""

import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import msgspec
import trio

from runt_protocol import StoredEvent

from ._errors import StorageError
from ._limits import Limits

_log = logging.getLogger("runt_sync")


class Appending(Protocol):
    """Whose events are to be stored, and who has to know. None of this ever waits."""

    @property
    def store_id(self) -> str:
        """The store."""
        ...

    def appended(self) -> None:
        """Take note that the oldest append is stored for good."""
        ...

    def append_failed(self, reason: str) -> None:
        """Take note that the oldest append is not stored, nor those behind it."""
        ...


class Log(Protocol):
    """Where the events go."""

    async def append_all(
        self, appends: Sequence[tuple[str, Sequence[StoredEvent]]]
    ) -> None:
        """Store events in one transaction, as `EventLog.append_all` does."""
        ...


class _Waiting(msgspec.Struct, frozen=True):
    room: Appending
    events: Sequence[StoredEvent]
    done: trio.Event


class Commits:
    """Stores appends in the order in which rooms accepted them.

    A commit costs a wait for the disk, however little is in it. What comes during one
    waits for the next, so that a busy server waits once for many pushes.

    Args:
        log: Where they go.
        limits: How many events share a transaction.
    """

    def __init__(self, log: Log, limits: Limits) -> None:
        self._log = log
        self._limits = limits
        self._queue: deque[_Waiting] = deque()
        self._added = trio.Event()
        self._to_try_alone = 0

    def add(self, room: Appending, events: Sequence[StoredEvent]) -> trio.Event:
        """Queue an append.

        Args:
            room: Whose it is; told of its end.
            events: Consecutive events behind the head and the room's earlier appends.

        Returns:
            What is set once they are stored or refused.
        """
        done = trio.Event()
        self._queue.append(_Waiting(room, events, done))
        self._added.set()
        return done

    async def commit_next(self) -> Sequence[Appending]:
        """Wait for appends, store some of them, and tell their rooms.

        Returns:
            The rooms that were concerned.
        """
        while not self._queue:
            self._added = trio.Event()
            await self._added.wait()
        group = self._next_group()
        try:
            await self._log.append_all(
                [(waiting.room.store_id, waiting.events) for waiting in group]
            )
        except StorageError as error:
            if len(group) > 1:
                # One store's trouble shall not be the others': each by itself.
                self._to_try_alone = len(group)
            else:
                _log.error("events are refused, they cannot be stored: %s", error)
                self._refuse_all_of(group[0].room)
        else:
            self._finish(group)
        return [waiting.room for waiting in group]

    def _next_group(self) -> list[_Waiting]:
        if self._to_try_alone:
            self._to_try_alone -= 1
            return [self._queue[0]]
        group: list[_Waiting] = []
        events = 0
        for waiting in self._queue:
            events += len(waiting.events)
            if group and events > self._limits.max_commit_events:
                break
            group.append(waiting)
        return group

    def _finish(self, group: Sequence[_Waiting]) -> None:
        for waiting in group:
            self._queue.popleft()
            waiting.room.appended()
            waiting.done.set()

    def _refuse_all_of(self, room: Appending) -> None:
        # What waits behind a failed append counts on its numbers.
        refused = [waiting for waiting in self._queue if waiting.room is room]
        self._queue = deque(item for item in self._queue if item.room is not room)
        room.append_failed("the server's disk refuses them")
        for waiting in refused:
            waiting.done.set()
