"""What breaks between client and server, and what LiveStore's own faults make of it."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import trio
from livestore_rig import NOTEBOOK_ID, TIMEOUT_S, TOKEN, Peers, Proxy, agree, until
from websockets.trio.client import ClientConnection, connect

from runt_protocol import (
    CellCreatedV2,
    Debug,
    NotebookTitleChanged,
    connect_url,
)

OUR_SERVER: Final = pytest.mark.parametrize("sync_url", ["runt-sync"], indirect=True)
THEIR_SERVER: Final = pytest.mark.parametrize("sync_url", ["sync-cf"], indirect=True)

ODD_CELL: Final = {"id": "c", "position": 1, "createdBy": "u"}
ODD_REQUEST: Final = {
    "queueId": "q",
    "cellId": "c",
    "executionCount": 1.5,
    "requestedBy": "u",
}


def title(text: str) -> NotebookTitleChanged:
    return NotebookTitleChanged(title=text)


def cell(name: str) -> CellCreatedV2:
    return CellCreatedV2(
        id=name, fractional_index="a0", cell_type="code", created_by="person"
    )


@asynccontextmanager
async def bare_client(sync_url: str) -> AsyncGenerator[ClientConnection]:
    """A client that says what it likes."""
    url = connect_url(sync_url, NOTEBOOK_ID, {"authToken": TOKEN})
    async with connect(url) as socket:
        yield socket


async def push(
    socket: ClientConnection, parent: int, *events: dict[str, Any]
) -> dict[str, Any]:
    """Push events and return the first answer to that."""
    batch = [
        event
        | {
            "seqNum": parent + index + 1,
            "parentSeqNum": parent + index,
            "clientId": "bare",
            "sessionId": "bare-session",
        }
        for index, event in enumerate(events)
    ]
    message = {"_tag": "WSMessage.PushReq", "requestId": "push", "batch": batch}
    await socket.send(json.dumps(message))
    with trio.fail_after(TIMEOUT_S):
        return json.loads(await socket.recv())


async def test_a_push_of_ours_that_was_lost_is_repeated(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    notebook = await peers.runt(proxy.url)
    livestore = await peers.livestore(sync_url)

    proxy.hold_requests()
    notebook.commit(cell("lost"))
    await proxy.until(lambda: proxy.kept_bytes)
    await proxy.cut()

    await agree(notebook, livestore, head=1)


async def test_a_push_of_ours_whose_answers_were_lost_is_stored_once(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    notebook = await peers.runt(proxy.url)
    livestore = await peers.livestore(sync_url)

    proxy.hold_answers()
    notebook.commit(cell("stored"))
    await livestore.wait_head(1)
    await livestore.commit(title("meanwhile"))
    await livestore.wait_head(2)
    await proxy.cut()

    await agree(notebook, livestore, head=2)


@OUR_SERVER
async def test_livestore_misses_nothing_when_it_was_away_and_then_commits(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)
    notebook.commit(title("before"))
    await agree(notebook, livestore, head=1)

    proxy.is_refusing = True
    await proxy.cut()
    notebook.commit(cell("missed"), title("missed, too"))
    await notebook.flush()
    proxy.is_refusing = False
    await livestore.wait_connected()
    notebook.commit(title("while nobody knows where it stands"))
    await notebook.flush()
    assert await livestore.head() == 1  # nothing more, and no gap
    await livestore.commit(cell("theirs"))

    await agree(notebook, livestore, head=5)
    notebook.commit(title("live again"))
    await agree(notebook, livestore, head=6)


@OUR_SERVER
async def test_livestore_commits_while_it_is_away(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)

    proxy.is_refusing = True
    await proxy.cut()
    await livestore.wait_connected(connected=False)
    notebook.commit(cell("missed"))
    await notebook.flush()
    await livestore.commit(cell("theirs"), title("offline"))
    proxy.is_refusing = False

    await agree(notebook, livestore, head=3)


@OUR_SERVER
async def test_livestore_whose_push_was_lost_is_whole_after_a_reload(
    sync_url: str, proxy: Proxy, peers: Peers, tmp_path: Path
) -> None:
    # Until then it waits for the ack of a push that it never repeats, and asks for
    # nothing; see test_livestore_habits.py.
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url, folder=tmp_path / "store")

    proxy.hold_requests()
    await livestore.commit(cell("lost"))
    await proxy.until(lambda: proxy.kept_bytes)
    await proxy.cut()
    notebook.commit(title("somebody else's"))
    await notebook.flush()
    await livestore.wait_local_head(1)  # on its disk
    await livestore.kill()
    reloaded = await peers.livestore(sync_url, folder=tmp_path / "store")

    await agree(notebook, reloaded, head=2)
    await reloaded.commit(title("live again"))
    await agree(notebook, reloaded, head=3)


@OUR_SERVER
async def test_livestore_whose_push_was_stored_unknown_to_it_is_whole_after_a_reload(
    sync_url: str, proxy: Proxy, peers: Peers, tmp_path: Path
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url, folder=tmp_path / "store")

    proxy.hold_answers()
    await livestore.commit(cell("stored"))
    await until(notebook, lambda: "stored" in notebook.state.cells)
    await proxy.cut()
    await livestore.wait_local_head(1)  # on its disk
    await livestore.kill()
    reloaded = await peers.livestore(sync_url, folder=tmp_path / "store")

    await agree(notebook, reloaded, head=1)
    await reloaded.commit(title("live again"))
    await agree(notebook, reloaded, head=2)


@OUR_SERVER
async def test_no_poison_gets_into_a_log_of_ours(sync_url: str, peers: Peers) -> None:
    livestore = await peers.livestore(sync_url)
    notebook = await peers.runt(sync_url)

    async with bare_client(sync_url) as socket:
        poisons: list[dict[str, Any]] = [
            {"name": "v1.NotebookTitleChanged", "args": {"title": None}},
            {"name": "v1.NotebookTitleChanged", "args": {}},
            {"name": "v1.CellCreated", "args": {**ODD_CELL, "cellType": "plot"}},
            {"name": "v1.ExecutionRequested", "args": ODD_REQUEST},
        ]
        for poison in poisons:
            assert (await push(socket, 0, poison))["_tag"] == "WSMessage.Error"

    notebook.commit(Debug(id="after"))
    await agree(notebook, livestore, head=1)


@THEIR_SERVER
async def test_our_client_goes_on_behind_poison(sync_url: str, peers: Peers) -> None:
    notebook = await peers.runt(sync_url)
    poison = {"name": "v1.NotebookTitleChanged", "args": {"title": None}}
    newer = {"name": "v9.CellSplit", "args": {"id": "c", "at": 3}}
    double = {
        "name": "v2.TerminalOutputAppended",
        "args": {
            "id": "d",
            "outputId": "o",
            "delta": "x",
            "sequenceNumber": 0,
        },
    }

    async with bare_client(sync_url) as socket:
        answer = await push(socket, 0, poison, newer, double, double)
        assert answer["_tag"] == "WSMessage.PushAck"
        await until(notebook, lambda: notebook.head == 4)
    notebook.commit(cell("after"))
    await notebook.flush()

    late = await peers.runt(sync_url)
    assert late.head == notebook.head == 5
    assert late.state.tables() == notebook.state.tables()
    assert list(late.state.cells) == ["after"]


@THEIR_SERVER
async def test_our_client_bears_a_log_with_gaps(sync_url: str, peers: Peers) -> None:
    # LiveStore's server compares only the first number of a push with its head.
    notebook = await peers.runt(sync_url)
    async with bare_client(sync_url) as socket:
        message = {
            "_tag": "WSMessage.PushReq",
            "requestId": "push",
            "batch": [
                {
                    "name": "v1.Debug",
                    "args": {"id": f"id-{number}"},
                    "seqNum": number,
                    "parentSeqNum": 0 if number == 1 else number - 1,
                    "clientId": "bare",
                    "sessionId": "bare-session",
                }
                for number in (1, 4, 9)
            ],
        }
        await socket.send(json.dumps(message))
        await until(notebook, lambda: notebook.head == 9)
    notebook.commit(title("after"))
    await notebook.flush()

    late = await peers.runt(sync_url)
    assert late.head == notebook.head == 10
    assert late.state.tables() == notebook.state.tables()
