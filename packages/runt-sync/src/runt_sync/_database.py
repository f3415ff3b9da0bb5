"""The SQLite file of a server: opened, checked, and used from threads.

A commit waits for the disk, which may take many milliseconds: so every call runs in a
thread, in the order of asking, and trio's loop goes on. Reads have a connection of
their own, so that many pulls and a commit do not wait for each other.
"""

import os
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import trio

from ._errors import DatabaseFileError, StorageError

T = TypeVar("T")

APPLICATION_ID: Final = int.from_bytes(b"RUNT")
"""Marks the file as ours, where SQLite keeps such a mark (`PRAGMA application_id`)."""

SCHEMA_VERSION: Final = 2
"""What `PRAGMA user_version` says in files of this version of the schema."""

_TABLES: Final = """
CREATE TABLE identity (
    backend_id TEXT NOT NULL
) STRICT;
INSERT INTO identity VALUES (lower(hex(randomblob(16))));
CREATE TABLE stores (
    id INTEGER PRIMARY KEY,
    store_id TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE events (
    store INTEGER NOT NULL REFERENCES stores (id),
    seq_num INTEGER NOT NULL,
    name TEXT NOT NULL,
    args TEXT,
    client_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (store, seq_num)
) STRICT;
CREATE TABLE artifacts (
    id TEXT PRIMARY KEY,
    notebook_id TEXT NOT NULL,
    content_type TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
"""

_SCHEMA: Final = f"""
BEGIN;
{_TABLES}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""


class Database:
    """A connection for writing and one for reading, each used by one thread at a time.

    Args:
        writer: An open connection that may move between threads.
        reader: Another one to the same file.
    """

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._write_turn = trio.CapacityLimiter(1)
        self._read_turn = trio.CapacityLimiter(1)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a thread, in one transaction.

        A cancelled caller leaves the queue; work that has begun is waited for.

        Args:
            work: What to do with the connection. If it raises, nothing of it stays.

        Raises:
            StorageError: SQLite could not do it.
        """
        return await trio.to_thread.run_sync(
            run_in_transaction,
            self._writer,
            "BEGIN IMMEDIATE",
            work,
            limiter=self._write_turn,
        )

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a thread that sees what was written before it began.

        Args:
            work: What to read with the connection, which refuses to write.

        Raises:
            StorageError: SQLite could not do it.
        """
        return await trio.to_thread.run_sync(
            run_in_transaction, self._reader, "BEGIN", work, limiter=self._read_turn
        )


def run_in_transaction(
    connection: sqlite3.Connection,
    begin: str,
    work: Callable[[sqlite3.Connection], T],
) -> T:
    """Run work in one transaction, here and now.

    Args:
        connection: The connection.
        begin: The statement that begins the transaction.
        work: What to do with the connection. If it raises, nothing of it stays.

    Raises:
        StorageError: SQLite could not do it.
    """
    try:
        with _transaction(connection, begin):
            return work(connection)
    except (sqlite3.Error, UnicodeEncodeError) as error:
        # A lone surrogate is no text for SQLite; the edges let none through.
        raise StorageError(str(error)) from error


@asynccontextmanager
async def open_database(host_path: Path) -> AsyncGenerator[Database]:
    """Open the database of a data directory; make it if there is none.

    Args:
        host_path: The file. A new one is readable by its owner only (0600).

    Raises:
        DatabaseFileError: The file is damaged, foreign, newer than this version, or
            cannot be opened.
    """
    connections = ExitStack()
    try:
        writer = await trio.to_thread.run_sync(_connect, host_path)
        connections.callback(writer.close)
        reader = await trio.to_thread.run_sync(_connect, host_path)
        connections.callback(reader.close)
        reader.execute("PRAGMA query_only = ON")
        yield Database(writer, reader)
    finally:
        with trio.CancelScope(shield=True):  # closing writes the log back: local, short
            await trio.to_thread.run_sync(connections.close)


def _connect(host_path: Path) -> sqlite3.Connection:
    try:
        # Made beforehand, because SQLite would leave its mode to the umask; the files
        # that SQLite puts beside it take over this one's mode.
        os.close(os.open(host_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise DatabaseFileError(host_path, f"unusable: {error.strerror}") from None
    connection = sqlite3.connect(
        host_path, check_same_thread=False, isolation_level=None
    )
    try:
        _prepare(connection, host_path)
    except sqlite3.Error as error:
        connection.close()
        reason = f"damaged, or no database of runt-sync ({error})"
        raise DatabaseFileError(host_path, reason) from None
    except DatabaseFileError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, host_path: Path) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        if _pragma(connection, "schema_version"):  # counts changes: 0 is an empty file
            raise DatabaseFileError(host_path, "a database of another program")
        connection.executescript(_SCHEMA)
    version = _pragma(connection, "user_version")
    if version != SCHEMA_VERSION:
        raise DatabaseFileError(
            host_path,
            f"has schema version {version}, this runt-sync knows {SCHEMA_VERSION}",
        )
    # Where the file system has no WAL, SQLite stays with its rollback journal, which
    # is as durable; FULL makes a commit wait until the disk has it.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    with closing(connection.execute(f"PRAGMA {name}")) as cursor:
        return cursor.fetchone()[0]


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Generator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back on a full disk
            connection.execute("ROLLBACK")
        raise
