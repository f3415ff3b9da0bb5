"""The rooms in which somebody is, and the one task that writes their logs."""

import logging
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Protocol

import trio

from runt_protocol import (
    Append,
    Close,
    Effect,
    Limits,
    Read,
    Send,
    StoredEvent,
    SyncRoom,
    Wire,
    format_date,
)

from ._errors import StorageError
from ._event_log import EventLog

_log = logging.getLogger("runt_sync")


class Member(Protocol):
    """Somebody in a room, as the room talks to it. None of this ever waits."""

    def send(self, text: str) -> None:
        """Queue a frame for the member."""
        ...

    def start_read(self, after: int, up_to: int) -> None:
        """Begin to read a range of the log for the member."""
        ...

    def send_away(self, reason: str) -> None:
        """Begin to close the member's connection, so that it comes back anew."""
        ...


class Room:
    """One store: does what its `SyncRoom` asks for.

    Args:
        store_id: The store.
        core: Its state machine.
        commits: Where appends go.
    """

    def __init__(self, store_id: str, core: SyncRoom, commits: "_Commits") -> None:
        self.store_id = store_id
        self.core = core
        self._commits = commits
        self._members: dict[int, Member] = {}

    def admit(self, conn_id: int, member: Member, wire: Wire) -> None:
        """Let a member in."""
        self.core.connect(conn_id, wire)
        self._members[conn_id] = member

    def dismiss(self, conn_id: int) -> None:
        """Let a member go; what it pushed is stored nevertheless."""
        self.core.disconnect(conn_id)
        del self._members[conn_id]

    async def receive(self, conn_id: int, text: str) -> None:
        """Take in a frame; events in it are stored, or refused, when this returns.

        That slows a member down to what the disk can take, and only that member.
        """
        now = format_date(datetime.now(UTC))
        for stored in self.perform(self.core.receive(conn_id, text, created_at=now)):
            await stored.wait()

    def hand_over(self, conn_id: int, events: list[StoredEvent]) -> None:
        """Pass on what a read has brought."""
        self.perform(self.core.read_chunk(conn_id, events))

    def perform(self, effects: Iterable[Effect]) -> list[trio.Event]:
        """Do what the core asks for, without ever waiting.

        Returns:
            For each append an event that is set once it is done or has failed.
        """
        appends: list[trio.Event] = []
        for effect in effects:
            match effect:
                case Send(conn_id=int(conn_id), text=text):
                    self._members[conn_id].send(text)
                case Read(conn_id=int(conn_id), after=after, up_to=up_to):
                    self._members[conn_id].start_read(after, up_to)
                case Close(conn_id=int(conn_id), reason=reason):
                    self._members[conn_id].send_away(reason)
                case Append(events=events):
                    appends.append(self._commits.add(self, events))
                case _:
                    raise AssertionError(f"the room asks for {effect!r}")
        return appends


class Rooms:
    """Opens a room for the first member and forgets it after the last.

    Args:
        log: Where the rooms' events are kept.
        limits: What the rooms accept and how they cut their answers.
    """

    def __init__(self, log: EventLog, limits: Limits) -> None:
        self._log = log
        self._limits = limits
        self._commits = _Commits(log)
        self._rooms: dict[str, Room] = {}
        self._opening = trio.Lock()
        self._conn_ids = count(1)

    async def commit_for_ever(self) -> None:
        """Store what members push. Exactly one task runs this."""
        while True:
            room = await self._commits.commit_next()
            self._forget_if_empty(room)

    async def enter(
        self, store_id: str, member: Member, wire: Wire
    ) -> tuple[Room, int]:
        """Let a member into a room.

        Args:
            store_id: The room's store.
            member: The member.
            wire: What it speaks.

        Returns:
            The room, and the number under which it knows the member.

        Raises:
            StorageError: The log's head cannot be read.
        """
        conn_id = next(self._conn_ids)
        async with self._opening:  # else two could open the same room
            room = self._rooms.get(store_id)
            if room is None:
                head = await self._log.head(store_id)
                backend_id = await self._log.backend_id()
                core = SyncRoom(head, limits=self._limits, backend_id=backend_id)
                room = Room(store_id, core, self._commits)
                self._rooms[store_id] = room
            room.admit(conn_id, member, wire)
        return room, conn_id

    def leave(self, room: Room, conn_id: int) -> None:
        """Let a member go."""
        room.dismiss(conn_id)
        self._forget_if_empty(room)

    def _forget_if_empty(self, room: Room) -> None:
        if room.core.is_empty:
            self._rooms.pop(room.store_id, None)


class _Commits:
    """Appends that wait for the disk, in the order in which rooms accepted them."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._queue: deque[tuple[Room, tuple[StoredEvent, ...], trio.Event]] = deque()
        self._added = trio.Event()

    def add(self, room: Room, events: tuple[StoredEvent, ...]) -> trio.Event:
        done = trio.Event()
        self._queue.append((room, events, done))
        self._added.set()
        return done

    async def commit_next(self) -> Room:
        while not self._queue:
            self._added = trio.Event()
            await self._added.wait()
        room, events, done = self._queue[0]
        try:
            await self._log.append(room.store_id, events)
        except StorageError as error:
            _log.error("events are refused, they cannot be stored: %s", error)
            self._refuse_all_of(room)
        else:
            self._queue.popleft()
            room.perform(room.core.appended())
            done.set()
        return room

    def _refuse_all_of(self, room: Room) -> None:
        # What waits behind a failed append counts on its numbers.
        refused = [done for other, _, done in self._queue if other is room]
        self._queue = deque(item for item in self._queue if item[0] is not room)
        room.perform(room.core.append_failed("the server's disk refuses them"))
        for done in refused:
            done.set()
