"""The event logs of all notebooks, in one SQLite file."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from runt_protocol import Limits, LoggedEvent, StoredEvent

from ._database import Database
from ._errors import StorageError


class EventLog:
    """Append to and read from the logs of all stores.

    A store id is any text; it is a value in the database and never part of a path.

    Args:
        database: The open database.
        limits: Bounds of one read, which are those of a pull answer.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    async def head(self, store_id: str) -> int:
        """Return the number of the last event of a store, 0 for an empty one.

        Raises:
            StorageError: SQLite could not read.
        """
        return await self._database.read(lambda connection: _head(connection, store_id))

    async def append(self, store_id: str, events: Sequence[StoredEvent]) -> None:
        """Store events behind the head: all of them or none, durable on return.

        Args:
            store_id: The store; the first event makes it.
            events: Consecutive events, the first one right behind the head.

        Raises:
            StorageError: SQLite could not write, or the events do not fit the head.
        """
        await self.append_all([(store_id, events)])

    async def append_all(
        self, appends: Sequence[tuple[str, Sequence[StoredEvent]]]
    ) -> None:
        """Store events of several stores in one transaction: all of them or none.

        Args:
            appends: Pairs of a store and its events, as `append` takes them. A store
                may come again; its later events follow its earlier ones.

        Raises:
            StorageError: As `append`.
        """

        def append_each(connection: sqlite3.Connection) -> None:
            for store_id, events in appends:
                _append(connection, store_id, events)

        await self._database.write(append_each)

    async def read(self, store_id: str, after: int, up_to: int) -> list[StoredEvent]:
        """Return the next events of a range, as many as shall be in memory at once.

        Args:
            store_id: The store.
            after: The number before the first event of the range.
            up_to: The number of the last event of the range.

        Returns:
            Ascending events, at least one; at most `pull_chunk_events`, fewer where
            their arguments reach `pull_chunk_bytes`.

        Raises:
            StorageError: SQLite could not read, or the range is not there.
        """
        return await self._database.read(
            lambda connection: _read(connection, store_id, after, up_to, self._limits)
        )


def _head(connection: sqlite3.Connection, store_id: str) -> int:
    row = connection.execute(
        "SELECT seq_num FROM events"
        " WHERE store = (SELECT id FROM stores WHERE store_id = ?)"
        " ORDER BY seq_num DESC LIMIT 1",
        (store_id,),
    ).fetchone()
    return row[0] if row else 0


def _append(
    connection: sqlite3.Connection, store_id: str, events: Sequence[StoredEvent]
) -> None:
    head = _head(connection, store_id)
    numbers = [stored.event.seq_num for stored in events]
    if numbers != list(range(head + 1, head + 1 + len(events))):
        raise StorageError(f"events from {numbers[:1]} do not follow the head {head}")
    store = _number_of(connection, store_id)
    connection.executemany(
        "INSERT INTO events"
        " (store, seq_num, name, args, client_id, session_id, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                store,
                stored.event.seq_num,
                stored.event.name,
                stored.event.args_text,
                stored.event.client_id,
                stored.event.session_id,
                stored.created_at,
            )
            for stored in events
        ],
    )


def _number_of(connection: sqlite3.Connection, store_id: str) -> int:
    connection.execute(
        "INSERT INTO stores (store_id) VALUES (?) ON CONFLICT DO NOTHING", (store_id,)
    )
    row = connection.execute("SELECT id FROM stores WHERE store_id = ?", (store_id,))
    return row.fetchone()[0]


def _read(
    connection: sqlite3.Connection,
    store_id: str,
    after: int,
    up_to: int,
    limits: Limits,
) -> list[StoredEvent]:
    cursor = connection.execute(
        "SELECT seq_num, name, args, client_id, session_id, created_at FROM events"
        " WHERE store = (SELECT id FROM stores WHERE store_id = ?)"
        " AND seq_num > ? AND seq_num <= ? ORDER BY seq_num LIMIT ?",
        (store_id, after, up_to, limits.pull_chunk_events),
    )
    found: list[StoredEvent] = []
    size = 0
    with closing(cursor):
        for seq_num, name, args, client_id, session_id, created_at in cursor:
            event = LoggedEvent(
                name=name,
                args_text=args,
                seq_num=seq_num,
                parent_seq_num=seq_num - 1,  # the room takes no other
                client_id=client_id,
                session_id=session_id,
            )
            found.append(StoredEvent(event=event, created_at=created_at))
            size += len(args or "")
            if size >= limits.pull_chunk_bytes:
                break
    if not found:
        raise StorageError(f"event {after + 1} is missing")
    return found
