"""What breaks between client and server, and what LiveStore's own faults make of it."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio
from livestore_rig import (
    NOTEBOOK_ID,
    OLD_ONLY,
    OUR_SERVER,
    THEIR_SERVER,
    TIMEOUT_S,
    TOKEN,
    LiveStoreClient,
    Peers,
    Proxy,
    agree,
    cell,
    title,
    until,
)
from websockets.trio.client import ClientConnection, connect

from runt_protocol import (
    Debug,
    EncodedEvent,
    LoggedEvent,
    Wire,
    connect_url,
)
from runt_protocol._messages import ErrorRes, Message, PushAck, PushReq

ODD_CELL: Final = {"id": "c", "position": 1, "createdBy": "u"}
ODD_REQUEST: Final = {
    "queueId": "q",
    "cellId": "c",
    "executionCount": 1.5,
    "requestedBy": "u",
}


class BareClient:
    """A client that says what it likes, in what LiveStore speaks."""

    def __init__(self, socket: ClientConnection, wire: Wire) -> None:
        self._socket = socket
        self._wire = wire

    async def push(self, *events: EncodedEvent, numbers: Sequence[int]) -> Message:
        """Push events to an empty log and return the first answer to that."""
        batch = tuple(
            LoggedEvent(
                name=event.name,
                args_text=event.args_text,
                seq_num=number,
                parent_seq_num=number - 1,
                client_id="bare",
                session_id="bare-session",
            )
            for event, number in zip(events, numbers, strict=True)
        )
        text = self._wire.encode(PushReq(request_id="1", batch=batch))
        assert text is not None
        await self._socket.send(text)
        with trio.fail_after(TIMEOUT_S):
            return self._wire.decode(await self._socket.recv(decode=True))


@asynccontextmanager
async def bare_client(sync_url: str, peers: Peers) -> AsyncGenerator[BareClient]:
    url = connect_url(sync_url, NOTEBOOK_ID, {"authToken": TOKEN}, peers.wire)
    async with connect(url) as socket:
        yield BareClient(socket, peers.wire)


async def reload(
    livestore: LiveStoreClient, peers: Peers, sync_url: str, folder: Path
) -> LiveStoreClient:
    """Kill a client that has one event of its own, and open another on its disk."""
    await livestore.wait_local_head(1)
    await livestore.kill()
    return await peers.livestore(sync_url, folder=folder)


def encoded(name: str, args: object) -> EncodedEvent:
    return EncodedEvent(name=name, args_text=json.dumps(args))


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
@OLD_ONLY  # see test_versions
async def test_livestore_misses_nothing_when_it_was_away_and_then_commits(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)
    notebook.commit(title("before"))
    await agree(notebook, livestore, head=1)

    async with proxy.outage():
        notebook.commit(cell("missed"), title("missed, too"))
        await notebook.flush()
    await livestore.wait_connected()
    await livestore.commit(cell("theirs"))

    await agree(notebook, livestore, head=4)
    notebook.commit(title("live again"))
    await agree(notebook, livestore, head=5)


@OUR_SERVER
async def test_livestore_commits_while_it_is_away(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)

    async with proxy.outage():
        await livestore.wait_connected(connected=False)
        notebook.commit(cell("missed"))
        await notebook.flush()
        await livestore.commit(cell("theirs"), title("offline"))

    await agree(notebook, livestore, head=3)


@OUR_SERVER
async def test_livestore_whose_push_was_lost_is_whole_after_a_reload(
    sync_url: str, proxy: Proxy, peers: Peers, tmp_path: Path
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url, folder=tmp_path / "store")

    proxy.hold_requests()
    await livestore.commit(cell("lost"))
    await proxy.until(lambda: proxy.kept_bytes)
    await proxy.cut()
    notebook.commit(title("somebody else's"))
    await notebook.flush()
    reloaded = await reload(livestore, peers, sync_url, tmp_path / "store")

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
    reloaded = await reload(livestore, peers, sync_url, tmp_path / "store")

    await agree(notebook, reloaded, head=1)
    await reloaded.commit(title("live again"))
    await agree(notebook, reloaded, head=2)


@OUR_SERVER
async def test_no_poison_gets_into_a_log_of_ours(sync_url: str, peers: Peers) -> None:
    livestore = await peers.livestore(sync_url)
    notebook = await peers.runt(sync_url)

    async with bare_client(sync_url, peers) as client:
        poisons = [
            encoded("v1.NotebookTitleChanged", {"title": None}),
            encoded("v1.NotebookTitleChanged", {}),
            encoded("v1.CellCreated", {**ODD_CELL, "cellType": "plot"}),
            encoded("v1.ExecutionRequested", ODD_REQUEST),
        ]
        for poison in poisons:
            assert isinstance(await client.push(poison, numbers=[1]), ErrorRes)

    notebook.commit(Debug(id="after"))
    await agree(notebook, livestore, head=1)


@THEIR_SERVER
async def test_our_client_goes_on_behind_poison(sync_url: str, peers: Peers) -> None:
    notebook = await peers.runt(sync_url)
    poison = encoded("v1.NotebookTitleChanged", {"title": None})
    newer = encoded("v9.CellSplit", {"id": "c", "at": 3})
    double = encoded(
        "v2.TerminalOutputAppended",
        {"id": "d", "outputId": "o", "delta": "x", "sequenceNumber": 0},
    )

    async with bare_client(sync_url, peers) as client:
        answer = await client.push(poison, newer, double, double, numbers=range(1, 5))
        assert isinstance(answer, PushAck)
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
    async with bare_client(sync_url, peers) as client:
        events = [encoded("v1.Debug", {"id": f"id-{number}"}) for number in range(3)]
        assert isinstance(await client.push(*events, numbers=[1, 4, 9]), PushAck)
        await until(notebook, lambda: notebook.head == 9)
    notebook.commit(title("after"))
    await notebook.flush()

    late = await peers.runt(sync_url)
    assert late.head == notebook.head == 10
    assert late.state.tables() == notebook.state.tables()
