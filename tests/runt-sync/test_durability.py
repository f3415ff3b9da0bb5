"""What was acknowledged survives a server that is killed, and a disk that fails."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import trio

from runt_protocol import Limits as SyncLimits
from runt_protocol import LoggedEvent, StoredEvent
from runt_sync import DatabaseFileError, Server, StorageError, open_server, serve
from runt_sync._database import open_database
from runt_sync._event_log import EventLog
from runt_sync._token import Token

if TYPE_CHECKING:
    from .conftest import Join, MakeEvent

SERVE = """
import sys, trio
from pathlib import Path
from runt_sync import open_server

async def main():
    async with open_server(data_dir=Path(sys.argv[1]), token="t") as server:
        print(server.base_url.removeprefix("http://"), flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@asynccontextmanager
async def server_process(data_dir: Path) -> AsyncGenerator[tuple[Server, trio.Process]]:
    """Run a server in a process of its own; it is killed at the end."""
    async with trio.open_nursery() as nursery:
        command = [sys.executable, "-c", SERVE, str(data_dir)]
        process: trio.Process = await nursery.start(
            partial(trio.run_process, command, stdout=subprocess.PIPE, check=False)
        )
        assert process.stdout is not None
        try:
            address = (await process.stdout.receive_some()).decode().strip()
            yield Server(address, Token("t")), process
        finally:
            process.kill()


@pytest.mark.parametrize("acks", [1, 7])
async def test_what_was_acked_survives_a_kill(
    data_dir: Path, join: Join, event: MakeEvent, acks: int
) -> None:
    async with server_process(data_dir) as (server, process), join(server) as peer:
        for seq_num in range(1, acks + 1):
            await peer.push(event(seq_num))
            await peer.receive("PushAck")
            if seq_num < acks:
                await peer.receive("PullRes")
        process.kill()  # in the moment of the ack
        await process.wait()
    async with open_server(data_dir=data_dir) as server, join(server) as peer:
        stored = [item["eventEncoded"] for item in await peer.pull()]
        assert stored == [event(seq_num) for seq_num in range(1, acks + 1)]
        await peer.push_and_confirm(event(acks + 1))


async def test_a_disk_that_fails_refuses_the_push_and_recovers(
    server: Server, data_dir: Path, join: Join, event: MakeEvent
) -> None:
    database = sqlite3.connect(data_dir / "runt-sync.sqlite3", isolation_level=None)
    with closing(database):
        async with join(server) as peer, join(server) as other:
            await peer.push_and_confirm(event(1))
            await other.pull()
            database.execute(
                "CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.seq_num = 2"
                " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
            await peer.push(event(2), event(3))
            refusal = await peer.receive("Error")
            assert "could not be stored" in refusal["message"]
            assert await other.is_silent()
            database.execute("DROP TRIGGER full")
            await other.push_and_confirm(event(2, clientId="other"))
            assert len((await peer.receive("PullRes"))["batch"]) == 1


async def test_a_push_is_stored_whole_or_not_at_all(
    server: Server, data_dir: Path, join: Join, event: MakeEvent
) -> None:
    database = sqlite3.connect(data_dir / "runt-sync.sqlite3", isolation_level=None)
    with closing(database):
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.seq_num = 2"
            " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        async with join(server) as peer:
            await peer.push(event(1), event(2))
            await peer.receive("Error")
            assert await peer.pull() == []
        assert database.execute("SELECT count(*) FROM events").fetchone() == (0,)


async def test_a_log_that_cannot_be_read_closes_sockets_with_a_reason(
    server: Server, data_dir: Path, join: Join, event: MakeEvent
) -> None:
    database = sqlite3.connect(data_dir / "runt-sync.sqlite3", isolation_level=None)
    with closing(database):
        async with join(server) as reader:
            await reader.push_and_confirm(event(1))
            database.execute("ALTER TABLE events RENAME TO gone")
            await reader.send("PullReq", requestId="r")
            await reader.is_closed_with(1011)
        async with join(server) as late:
            await late.is_closed_with(1011)
        database.execute("ALTER TABLE gone RENAME TO events")
        async with join(server) as peer:
            assert len(await peer.pull()) == 1


async def test_artifacts_that_cannot_be_kept_are_refused(
    server: Server, http: httpx.AsyncClient, data_dir: Path
) -> None:
    headers = {"authorization": f"Bearer {server.token}", "x-notebook-id": "n"}
    database = sqlite3.connect(data_dir / "runt-sync.sqlite3", isolation_level=None)
    with closing(database):
        database.execute("DROP TABLE artifacts")
    for answer in (
        await http.post("/api/artifacts", headers=headers, content=b"x"),
        await http.get("/api/artifacts/any"),
    ):
        assert answer.status_code == 503
        assert answer.json() == {"error": "the server's disk does not answer"}


async def test_serve_runs_until_it_is_cancelled(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve, data_dir=data_dir))
        async with join(server) as peer:
            await peer.push_and_confirm(event(1))
        nursery.cancel_scope.cancel()
    async with open_server(data_dir=data_dir) as again, join(again) as peer:
        assert len(await peer.pull()) == 1


def stored(seq_num: int, args_text: str | None = "{}") -> StoredEvent:
    event = LoggedEvent(
        name="v1.Debug",
        args_text=args_text,
        seq_num=seq_num,
        parent_seq_num=seq_num - 1,
        client_id="c",
        session_id="s",
    )
    return StoredEvent(event=event, created_at="2026-01-01T00:00:00.000Z")


async def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db") as database:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2)):
            query = f"PRAGMA {pragma}"
            assert await database.write(
                lambda connection, query=query: connection.execute(query).fetchone()
            ) == (value,)


async def test_a_log_takes_only_what_follows_its_head(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db") as database:
        log = EventLog(database, SyncLimits())
        await log.append("a", [stored(1), stored(2)])
        for wrong in ([stored(2)], [stored(4)], [stored(3), stored(5)]):
            with pytest.raises(StorageError, match="do not follow the head 2"):
                await log.append("a", wrong)
        assert (await log.head("a"), await log.head("b")) == (2, 0)
        with pytest.raises(StorageError, match="event 3 is missing"):
            await log.read("a", 2, 3)


async def test_large_events_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db") as database:
        log = EventLog(database, SyncLimits(pull_chunk_bytes=1000))
        await log.append("a", [stored(n, f'"{"x" * 600}"') for n in range(1, 6)])
        sizes: list[int] = []
        after = 0
        while after < 5:
            events = await log.read("a", after, 5)
            sizes.append(len(events))
            after = events[-1].event.seq_num
    assert sizes == [2, 2, 1]


async def test_a_newer_schema_is_not_touched(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db"):
        pass
    with closing(sqlite3.connect(tmp_path / "db")) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(DatabaseFileError, match="schema version 99"):
        async with open_database(tmp_path / "db"):
            pass


async def test_a_database_of_another_program_is_not_touched(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "db")) as database:
        database.execute("CREATE TABLE theirs (x)")
    with pytest.raises(DatabaseFileError, match="another program"):
        async with open_database(tmp_path / "db"):
            pass
