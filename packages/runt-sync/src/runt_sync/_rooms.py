"""The rooms in which somebody is, and the one task that writes their logs."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Protocol

import trio

from runt_protocol import (
    Append,
    Close,
    Effect,
    Forget,
    Read,
    Remember,
    Send,
    StoredEvent,
    SyncRoom,
    Wire,
    format_date,
)

from ._commits import Commits
from ._event_log import EventLog
from ._known_clients import KnownClients
from ._limits import Limits


class Member(Protocol):
    """Somebody in a room, as the room talks to it. None of this ever waits."""

    def send(self, text: str, probe: int | None) -> None:
        """Queue a frame for the member, and a probe behind it if there is one."""
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
        known: Where clients that cannot say where they stand are kept.
    """

    def __init__(
        self, store_id: str, core: SyncRoom, commits: Commits, known: KnownClients
    ) -> None:
        self.store_id = store_id
        self.core = core
        self._commits = commits
        self._known = known
        self._members: dict[int, Member] = {}

    def admit(self, conn_id: int, member: Member, wire: Wire) -> None:
        """Let a member in."""
        self.core.connect(conn_id, wire)
        self._members[conn_id] = member

    def dismiss(self, conn_id: int, *, answer_is_due: bool) -> None:
        """Let a member go; what it pushed is stored nevertheless."""
        del self._members[conn_id]
        self.perform(self.core.disconnect(conn_id, answer_is_due=answer_is_due))

    async def receive(self, conn_id: int, text: str) -> None:
        """Take in a frame; events in it are stored, or refused, when this returns.

        That slows a member down to what the disk can take, and only that member.
        """
        now = format_date(datetime.now(UTC))
        for stored in self.perform(self.core.receive(conn_id, text, created_at=now)):
            await stored.wait()

    def delivered(self, conn_id: int, probe: int) -> None:
        """Take note that a member has what was sent to it up to a probe."""
        self.perform(self.core.delivered(conn_id, probe))

    def hand_over(self, conn_id: int, events: Sequence[StoredEvent]) -> None:
        """Pass on what a read has brought."""
        self.perform(self.core.read_chunk(conn_id, events))

    def appended(self) -> None:
        """Acknowledge and broadcast the oldest append, which is stored."""
        self.perform(self.core.appended())

    def append_failed(self, reason: str) -> None:
        """Refuse all appends, the oldest of which cannot be stored."""
        self.perform(self.core.append_failed(reason))

    def perform(self, effects: Iterable[Effect]) -> list[trio.Event]:
        """Do what the core asks for, without ever waiting.

        Returns:
            For each append an event that is set once it is done or has failed.
        """
        appends: list[trio.Event] = []
        for effect in effects:
            match effect:
                case Send(conn_id=int(conn_id), text=text, probe=probe):
                    self._members[conn_id].send(text, probe)
                case Read(conn_id=int(conn_id), after=after, up_to=up_to):
                    self._members[conn_id].start_read(after, up_to)
                case Close(conn_id=int(conn_id), reason=reason):
                    self._members[conn_id].send_away(reason)
                case Append(events=events):
                    appends.append(self._commits.add(self, events))
                case Remember(client=client):
                    self._known.remember(self.store_id, client)
                case Forget(pull_id=pull_id):
                    self._known.forget(self.store_id, pull_id)
                case _:
                    raise AssertionError(f"the room asks for {effect!r}")
        return appends


class Rooms:
    """Opens a room for the first member and forgets it after the last.

    Args:
        log: Where the rooms' events are kept.
        known: Where clients that cannot say where they stand are kept.
        limits: The bounds to keep.
    """

    def __init__(self, log: EventLog, known: KnownClients, limits: Limits) -> None:
        self._log = log
        self._known = known
        self._limits = limits
        self._commits = Commits(log, limits)
        self._rooms: dict[str, Room] = {}
        self._opening = trio.Lock()
        self._conn_ids = count(1)

    async def commit_for_ever(self) -> None:
        """Store what members push. Exactly one task runs this."""
        while True:
            for room in await self._commits.commit_next():
                self._forget_if_empty(room.store_id)

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
                core = SyncRoom(
                    head,
                    limits=self._limits.sync,
                    backend_id=backend_id,
                    known=self._known.of_store(store_id),
                )
                room = Room(store_id, core, self._commits, self._known)
                self._rooms[store_id] = room
            room.admit(conn_id, member, wire)
        return room, conn_id

    def leave(self, room: Room, conn_id: int, *, answer_is_due: bool) -> None:
        """Let a member go; whether an answer is due is what `SyncRoom` asks."""
        room.dismiss(conn_id, answer_is_due=answer_is_due)
        self._forget_if_empty(room.store_id)

    def _forget_if_empty(self, store_id: str) -> None:
        room = self._rooms.get(store_id)
        if room is not None and room.core.is_empty:
            del self._rooms[store_id]
