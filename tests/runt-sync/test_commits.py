"""Many pushes share a commit; one that cannot be stored takes no other with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from runt_protocol import LoggedEvent, StoredEvent
from runt_sync import Limits, Server, StorageError
from runt_sync._commits import Commits

if TYPE_CHECKING:
    from .conftest import Join, MakeEvent

Appends = Sequence[tuple[str, Sequence[StoredEvent]]]


class Disk:
    """Takes appends when it is let, save those of stores that are broken."""

    def __init__(self) -> None:
        self.transactions: list[list[tuple[str, int]]] = []
        self.broken: set[str] = set()

    async def append_all(self, appends: Appends) -> None:
        await trio.lowlevel.checkpoint()
        if self.broken & {store_id for store_id, _ in appends}:
            raise StorageError("broken")
        self.transactions.append([(store_id, len(e)) for store_id, e in appends])


class Room:
    def __init__(self, store_id: str) -> None:
        self.store_id = store_id
        self.told: list[str] = []

    def appended(self) -> None:
        self.told.append("appended")

    def append_failed(self, reason: str) -> None:
        self.told.append(reason)


def events(number: int) -> list[StoredEvent]:
    event = LoggedEvent(
        name="v1.Debug",
        args_text="{}",
        seq_num=1,
        parent_seq_num=0,
        client_id="c",
        session_id="s",
    )
    return [StoredEvent(event=event, created_at="2026-01-01T00:00:00.000Z")] * number


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def commits(disk: Disk) -> Commits:
    return Commits(disk, Limits(max_commit_events=10))


async def test_what_waits_shares_a_transaction(disk: Disk, commits: Commits) -> None:
    one, other = Room("one"), Room("other")
    done = [commits.add(room, events(2)) for room in (one, other, one)]

    assert await commits.commit_next() == [one, other, one]

    assert disk.transactions == [[("one", 2), ("other", 2), ("one", 2)]]
    assert one.told == ["appended", "appended"]
    assert all(event.is_set() for event in done)


async def test_a_transaction_has_its_bound(disk: Disk, commits: Commits) -> None:
    for size in (6, 4, 1, 30, 1):
        commits.add(Room("room"), events(size))
    for _ in range(4):
        await commits.commit_next()
    sizes = [[size for _, size in appends] for appends in disk.transactions]
    assert sizes == [[6, 4], [1], [30], [1]]


async def test_a_store_that_fails_takes_no_other_with_it(
    disk: Disk, commits: Commits
) -> None:
    bad, good = Room("bad"), Room("good")
    disk.broken = {"bad"}
    done = [commits.add(room, events(1)) for room in (good, bad, good, bad)]

    while not all(event.is_set() for event in done):
        await commits.commit_next()

    assert good.told == ["appended", "appended"]
    assert bad.told == ["the server's disk refuses them"]  # the core knows how many
    assert disk.transactions == [[("good", 1)], [("good", 1)]]
    disk.broken = set()
    commits.add(bad, events(1))
    commits.add(good, events(1))
    await commits.commit_next()
    await commits.commit_next()
    assert [len(appends) for appends in disk.transactions[2:]] in ([2], [1, 1])


async def test_many_clients_push_at_once_and_each_log_is_whole(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async def push(store_id: str) -> None:
        async with join(server, store_id) as peer:
            for seq_num in range(1, 21):
                await peer.push_and_confirm(event(seq_num, args={"id": store_id}))

    async def check(store_id: str) -> None:
        async with join(server, store_id) as peer:
            stored = [item["eventEncoded"] for item in await peer.pull()]
        assert stored == [event(n, args={"id": store_id}) for n in range(1, 21)]

    for work in (push, check):
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(partial(work, f"store-{number}"))
