"""The server's disk: real SQLite on files that can be torn as a crash would tear them.

Two parts of `runt_sync.Database` do not happen here: the thread, which would make the
order of things a matter of luck, and the waiting for the platter, which takes a
simulated time. Statements, transactions and recovery are SQLite's own.
"""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Final, Literal, TypeAlias, TypeVar

import trio

from runt_protocol import LoggedEvent
from runt_sync import _database

from ._trace import Trace

T = TypeVar("T")

DiskFault: TypeAlias = Literal[
    "crash before commit", "crash after commit", "torn write"
]

_WRITE_S: Final = 0.001


class Disk:
    """Files that outlive the server's process.

    Attributes:
        next_fault: What happens to the next write.
        is_broken: While set, every write ends in an error of fsync.
        lost_logs: What the store held each time it was lost.

    Args:
        folder: An empty directory.
        random: Draws where a write is torn and how long the disk takes.
        trace: Takes notes.
        crash: Kills the server's process, machine and all.
    """

    def __init__(
        self, folder: Path, random: Random, trace: Trace, crash: Callable[[], None]
    ) -> None:
        self._folder = folder
        self._random = random
        self._trace = trace
        self._crash = crash
        self._generation = 0
        self._connection: sqlite3.Connection | None = None
        self._kept_wal_bytes: int | None = None
        self.next_fault: DiskFault | None = None
        self.is_broken = False
        self.lost_logs: list[list[LoggedEvent]] = []

    def open(self) -> "SimulatedDatabase":
        """Open the database as a server does; SQLite recovers what is there."""
        connection = _database._connect(self._file)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - the server's own way to open it
        # Whether a commit survives is decided here, not by the disk below.
        connection.execute("PRAGMA synchronous = OFF")
        self._connection = connection
        return SimulatedDatabase(connection, self)

    def power_off(self) -> None:
        """End the process that has the database open: only the files are left."""
        if self._connection is None:
            return
        old = self._file
        self._generation += 1
        for suffix in ("", "-wal"):
            source = old.with_name(old.name + suffix)
            if source.exists():
                shutil.copyfile(source, self._file.with_name(self._file.name + suffix))
        if self._kept_wal_bytes is not None:
            with self._file.with_name(f"{self._file.name}-wal").open("r+b") as wal:
                wal.truncate(self._kept_wal_bytes)
        self._kept_wal_bytes = None
        self._connection.close()
        self._connection = None
        _remove(old)

    def lose_everything(self) -> None:
        """Lose the store, as when the wrong volume is mounted."""
        self.power_off()
        self.lost_logs.append(self.log())
        _remove(self._file)
        self._generation += 1

    def log(self, name: str = "%") -> list[LoggedEvent]:
        """Read what is committed.

        Args:
            name: The name of the events, as SQL's LIKE takes it.
        """
        if not self._file.exists():  # lost, and no server has made another one yet
            return []
        with closing(sqlite3.connect(self._file)) as connection:
            found = connection.execute(
                "SELECT name, args, seq_num, client_id, session_id"
                " FROM events WHERE name LIKE ? ORDER BY seq_num",
                (name,),
            )
            return [
                LoggedEvent(
                    name=name,
                    args_text=args,
                    seq_num=seq_num,
                    parent_seq_num=seq_num - 1,
                    client_id=client_id,
                    session_id=session_id,
                )
                for name, args, seq_num, client_id, session_id in found
            ]

    def is_stored(self, seq_num: int, session_id: str) -> bool:
        """Tell whether a crash at this moment would leave an event in the log."""
        if self._connection is None:
            return False
        found = self._connection.execute(
            "SELECT 1 FROM events WHERE seq_num = ? AND session_id = ?",
            (seq_num, session_id),
        )
        return found.fetchone() is not None

    async def write(
        self, connection: sqlite3.Connection, transaction: Callable[[], T]
    ) -> T:
        """Let a transaction happen, or what a fault makes of it.

        Args:
            connection: What the process has opened.
            transaction: Runs a whole transaction; it does not wait.
        """
        fault, self.next_fault = self.next_fault, None
        await trio.sleep(self._random.expovariate(1 / _WRITE_S))
        if connection is not self._connection:
            raise _ProcessHasEnded
        if fault == "crash before commit":
            self._end(fault)
        before = self._wal_bytes()
        result = transaction()
        if fault == "torn write":
            after = self._wal_bytes()
            self._kept_wal_bytes = self._random.randint(min(before, after), after)
            self._end(fault)
        if fault == "crash after commit":
            self._end(fault)
        await trio.sleep(self._random.expovariate(1 / _WRITE_S))
        if connection is not self._connection:
            raise _ProcessHasEnded
        return result

    def _end(self, fault: DiskFault) -> None:
        self._trace.note("disk", fault)
        self._crash()
        raise _ProcessHasEnded

    def _wal_bytes(self) -> int:
        wal = self._file.with_name(f"{self._file.name}-wal")
        return wal.stat().st_size if wal.exists() else 0

    @property
    def _file(self) -> Path:
        return self._folder / f"{self._generation}.sqlite"


class _ProcessHasEnded(Exception):  # noqa: N818 - nobody's error
    """The task that finds this out is the process's own, and has to stop here."""


class SimulatedDatabase(_database.Database):
    """The server's database, on a simulated disk.

    Args:
        connection: The open connection.
        disk: The disk.
    """

    def __init__(self, connection: sqlite3.Connection, disk: Disk) -> None:
        super().__init__(writer=connection, reader=connection)
        self._disk = disk

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in one transaction; see `runt_sync.Database.write`."""
        return await self._run(work, self._write_turn)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work on what is committed; see `runt_sync.Database.read`."""
        return await self._run(work, self._read_turn)

    async def _run(
        self, work: Callable[[sqlite3.Connection], T], turn: trio.CapacityLimiter
    ) -> T:
        def work_on_a_bad_disk(connection: sqlite3.Connection) -> T:
            changes = connection.total_changes
            result = work(connection)
            if self._disk.is_broken and connection.total_changes > changes:
                raise sqlite3.OperationalError("disk I/O error")  # as from COMMIT
            return result

        def transaction() -> T:
            return _database.run_in_transaction(
                self._writer, "BEGIN IMMEDIATE", work_on_a_bad_disk
            )

        async with turn:
            # As in the thread of the original: once begun, it is not abandoned.
            with suppress(_ProcessHasEnded), trio.CancelScope(shield=True):
                return await self._disk.write(self._writer, transaction)
            await trio.sleep_forever()  # until the process's scope is cancelled
            raise AssertionError


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
