"""`kill -9` of the server under load, at moments that a seed decides.

Real clients write to several stores at once and go on through every kill. What one of
them was told that the log holds has to stand there for ever, at the same place.
"""

import random
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing

import trio
from server_process import ServerProcess, StartServerProcess

from runt_agent import Notebook, open_notebook
from runt_protocol import Debug, LoggedEvent

SEED = 20_261_126
# Two that contend for a log, and two with one of their own, whose pushes share commits.
STORES = ("shared", "shared", "one", "other")
PATIENCE_S = 120
PENDING = 100
EVENTS_UNTIL_KILL = 1500


class Writer:
    """A client that commits events as fast as the server confirms them."""

    def __init__(self, name: str, store_id: str) -> None:
        self.name = name
        self.store_id = store_id
        self.committed = 0
        self.log: list[LoggedEvent] = []
        self.notebook: Notebook

    @asynccontextmanager
    async def connected(self, server: ServerProcess) -> AsyncGenerator[None]:
        async with open_notebook(
            sync_url=server.sync_url,
            notebook_id=self.store_id,
            payload={"authToken": server.token},
            on_logged=self.log.append,
        ) as self.notebook:
            yield

    async def write(self, rng: random.Random) -> None:
        while True:
            for _ in range(rng.randint(1, 50)):
                self.committed += 1
                self.notebook.commit(Debug(id=f"{self.name}-{self.committed}"))
            await self.notebook.wait_for(
                lambda _: self.notebook.pending_count < PENDING
            )


def stored(server: ServerProcess, store_id: str) -> list[tuple[int, str | None]]:
    """Read a store's log from the disk of a server that is dead."""
    database = sqlite3.connect(server.data_dir / "runt-sync.sqlite3")
    with closing(database):
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute(
            "SELECT seq_num, args FROM events JOIN stores ON store = stores.id"
            " WHERE store_id = ? ORDER BY seq_num",
            (store_id,),
        ).fetchall()


def check(server: ServerProcess, writers: list[Writer]) -> None:
    """Compare what clients were told with what is on the disk."""
    for writer in writers:
        log = stored(server, writer.store_id)
        assert [seq_num for seq_num, _ in log] == list(range(1, len(log) + 1))
        assert len({args for _, args in log}) == len(log), "an event is there twice"
        told = [(event.seq_num, event.args_text) for event in writer.log]
        assert log[: len(told)] == told, "an acknowledged event is lost or moved"


async def test_what_was_acknowledged_survives_kills_under_load(
    start_server_process: StartServerProcess, server_kills: int
) -> None:
    rng = random.Random(SEED)  # noqa: S311 - to be repeatable
    server = await start_server_process()
    writers = [Writer(f"w{n}", store) for n, store in enumerate(STORES)]
    async with AsyncExitStack() as stack:
        for writer in writers:
            await stack.enter_async_context(writer.connected(server))
        async with trio.open_nursery() as nursery:
            for writer in writers:
                nursery.start_soon(writer.write, rng)
            for _ in range(server_kills):
                await some_events(writers, rng.randrange(1, EVENTS_UNTIL_KILL))
                await trio.sleep(rng.uniform(0, 0.005))  # within a push or a commit
                await server.kill()
                check(server, writers)
                await server.start()
            nursery.cancel_scope.cancel()
        with trio.fail_after(PATIENCE_S):
            for writer in writers:
                await writer.notebook.flush()
    await server.kill()
    check(server, writers)
    for store_id in set(STORES):
        committed = sum(w.committed for w in writers if w.store_id == store_id)
        assert len(stored(server, store_id)) == committed


async def some_events(writers: list[Writer], number: int) -> None:
    """Wait until the logs have grown by so many events, whoever was told of them."""
    goal = sum(len(writer.log) for writer in writers) + number
    with trio.fail_after(PATIENCE_S):
        # Each client has a signal of its own, so this one looks.
        while sum(len(writer.log) for writer in writers) < goal:  # noqa: ASYNC110
            await trio.sleep(0.001)
