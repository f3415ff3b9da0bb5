"""What one kind of client commits, the other one gets, with either server."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
from livestore_rig import OLD_ONLY, Peers, Proxy, RigError, agree, title

from runt_agent import ConnectionRefusedByServerError, open_notebook
from runt_protocol import (
    AllExecutionsCancelled,
    CellCreatedV1,
    CellCreatedV2,
    CellSourceChanged,
    EventTooLargeError,
    PresenceSet,
)

PONGS = {
    "0.3": b'{"_tag":"WSMessage.Pong","requestId":"ping"}',
    "0.4": b'{"_tag":"Pong"}',
}


def cell(name: str) -> tuple[CellCreatedV2, CellSourceChanged]:
    return (
        CellCreatedV2(
            id=name, fractional_index="a0", cell_type="code", created_by="person"
        ),
        CellSourceChanged(id=name, source=f"# {name}", modified_by="person"),
    )


async def test_the_first_pull_brings_the_whole_log(sync_url: str, peers: Peers) -> None:
    notebook = await peers.runt(sync_url)
    notebook.commit(*cell("first"), title("ours"))
    await notebook.flush()

    livestore = await peers.livestore(sync_url)

    await agree(notebook, livestore, head=3)
    assert (await livestore.tables())["cells"][0]["source"] == "# first"


async def test_pushes_of_both_are_broadcast_to_both(
    sync_url: str, peers: Peers
) -> None:
    livestore = await peers.livestore(sync_url)
    other = await peers.livestore(sync_url, "other")
    notebook = await peers.runt(sync_url)

    await livestore.commit(*cell("theirs"))
    await agree(notebook, livestore, other, head=2)
    notebook.commit(*cell("ours"))
    await agree(notebook, livestore, other, head=4)

    assert set(notebook.state.cells) == {"theirs", "ours"}


@pytest.mark.parametrize("length", [200, 330])
async def test_a_long_log_comes_in_chunks(
    length: int, sync_url: str, peers: Peers
) -> None:
    # A pull answer has 100 events; one that ends with an empty one would stop
    # LiveStore's syncing for good.
    writer = await peers.runt(sync_url)
    writer.commit(*(title(f"title {number}") for number in range(length)))
    await writer.flush()

    livestore = await peers.livestore(sync_url)
    reader = await peers.runt(sync_url)
    await livestore.commit(title("and on it goes"))

    await agree(reader, livestore, head=length + 1)
    await agree(writer, livestore, head=length + 1)


async def test_our_events_give_way_to_foreign_ones_that_came_first(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    livestore = await peers.livestore(sync_url)
    notebook = await peers.runt(proxy.url)

    proxy.hold_answers()
    await livestore.commit(*cell("theirs"))
    await livestore.wait_head(2)
    notebook.commit(*cell("ours"), title("the later one"))  # on top of nothing
    proxy.release()

    await agree(notebook, livestore, head=5)
    assert set(notebook.state.cells) == {"theirs", "ours"}


async def test_livestores_events_give_way_to_ours_that_came_first(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)

    proxy.hold_answers()
    notebook.commit(*cell("ours"))
    await notebook.flush()
    await livestore.commit(*cell("theirs"), title("the later one"))
    proxy.release()

    await agree(notebook, livestore, head=5)
    assert set(notebook.state.cells) == {"theirs", "ours"}


@OLD_ONLY
async def test_both_commit_at_once_for_a_while(sync_url: str, peers: Peers) -> None:
    # LiveStore 0.4.0 loses its own count here: docs/livestore.md.
    livestore = await peers.livestore(sync_url)
    other = await peers.livestore(sync_url, "other")
    notebook = await peers.runt(sync_url)

    async with trio.open_nursery() as nursery:
        for client in (livestore, other):
            nursery.start_soon(_commit_titles, client.commit)
        for number in range(20):
            notebook.commit(title(f"ours {number}"))
            await trio.sleep(0.005)

    await agree(notebook, livestore, other, head=60)


async def _commit_titles(commit: Callable[..., Awaitable[None]]) -> None:
    for number in range(20):
        await commit(title(f"theirs {number}"))


async def test_our_client_pulls_from_its_last_event_on_after_a_cut(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    livestore = await peers.livestore(sync_url)
    notebook = await peers.runt(proxy.url)
    await livestore.commit(title("before the cut"), title("the last one"))
    await agree(notebook, livestore, head=2)

    async with proxy.outage():
        await livestore.commit(*cell("missed"))
        notebook.commit(*cell("offline"))
        await livestore.wait_head(4)
        proxy.answers.clear()

    await agree(notebook, livestore, head=6)
    assert b"missed" in proxy.answers
    assert b"before the cut" not in proxy.answers


async def test_livestore_pulls_from_its_cursor_after_a_restart(
    sync_url: str, proxy: Proxy, peers: Peers, tmp_path: Path
) -> None:
    notebook = await peers.runt(sync_url)
    first = await peers.livestore(proxy.url, folder=tmp_path / "store")
    notebook.commit(title("before the restart"))
    await agree(notebook, first, head=1)
    await first.close()
    notebook.commit(*cell("missed"))
    await notebook.flush()
    proxy.answers.clear()

    second = await peers.livestore(proxy.url, folder=tmp_path / "store")

    await agree(notebook, second, head=3)
    assert b"missed" in proxy.answers
    assert b"before the restart" not in proxy.answers


async def test_pings_are_answered(proxy: Proxy, peers: Peers) -> None:
    pong = PONGS[peers.installation.version]
    await peers.livestore(proxy.url)
    await proxy.until(lambda: pong in proxy.answers)
    proxy.answers.clear()
    await peers.runt(proxy.url)
    await proxy.until(lambda: pong in proxy.answers)


async def test_large_events_pass_up_to_what_a_push_may_hold(
    sync_url: str, peers: Peers
) -> None:
    livestore = await peers.livestore(sync_url)
    notebook = await peers.runt(sync_url)
    first, second = cell("large")
    large = CellSourceChanged(id="large", source="x" * 890_000, modified_by="us")
    too_large = CellSourceChanged(id="large", source="x" * 900_000, modified_by="us")

    with pytest.raises(EventTooLargeError):
        notebook.commit(too_large)
    notebook.commit(first, large)
    await agree(notebook, livestore, head=2)
    await livestore.commit(second, large)

    await agree(notebook, livestore, head=4)


async def test_a_pull_answer_may_be_larger_than_any_push(
    sync_url: str, peers: Peers
) -> None:
    # But not by much: LiveStore's SQLite has 16 MB for everything.
    writer = await peers.runt(sync_url)
    writer.commit(*(title("x" * 300_000 + str(number)) for number in range(4)))
    await writer.flush()

    livestore = await peers.livestore(sync_url)
    reader = await peers.runt(sync_url)

    await agree(reader, livestore, head=4)


async def test_livestore_knows_its_own_events_again(
    sync_url: str, peers: Peers
) -> None:
    # By the text of their args: an echo that is spelt differently would be pushed anew
    # for ever.
    livestore = await peers.livestore(sync_url)
    notebook = await peers.runt(sync_url)
    odd = {"createdBy": "u", "position": 1e21, "cellType": "code", "id": "\U0001f600é"}

    await livestore.commit(
        {"name": "v1.CellCreated", "args": odd},
        AllExecutionsCancelled(),
        PresenceSet(user_id="\u2028"),
        CellCreatedV1(id="c", cell_type="ai", position=0.1, created_by="\0"),
    )
    await agree(notebook, livestore, head=4)
    notebook.commit(title("the end"))

    await agree(notebook, livestore, head=5)


async def test_a_wrong_token_opens_nothing(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    with pytest.raises(ConnectionRefusedByServerError):
        async with open_notebook(
            sync_url=sync_url, notebook_id="notebook", payload={"authToken": "wrong"}
        ):
            pass
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url, token="wrong", wait_for_pull=False)
    await livestore.commit(title("not for you"))
    # It tries for ever, and works alone meanwhile.
    await proxy.until(lambda: proxy.accepted >= 4)

    notebook.commit(title("ours"))
    await notebook.flush()
    assert notebook.head == 1
    assert await livestore.head() == 0
    with pytest.raises(RigError):
        await livestore.commit({"name": "v1.Debug", "args": {}})
