"""What is true of LiveStore 0.4 alone, or of both versions in one notebook."""

from pathlib import Path

import pytest
import trio
from livestore_rig import (
    NEW_ONLY,
    NOTEBOOK_ID,
    OUR_SERVER,
    THEIR_SERVER,
    TOKEN,
    Peers,
    Proxy,
    agree,
    cell,
    install,
    title,
)

from runt_agent import (
    ConnectionRefusedByServerError,
    LiveStoreVersion,
    open_notebook,
)


@OUR_SERVER
@NEW_ONLY
async def test_clients_of_both_versions_share_a_notebook(
    sync_url: str, peers: Peers, nursery: trio.Nursery, tmp_path: Path
) -> None:
    folder = tmp_path / "of 0.3"
    folder.mkdir()
    old_peers = Peers(nursery, install("0.3"), folder)
    old = await old_peers.livestore(sync_url, "old")
    new = await peers.livestore(sync_url)
    notebook, other = await old_peers.runt(sync_url), await peers.runt(sync_url)

    await new.commit(cell("new"))
    await agree(notebook, old, new, head=1)
    await old.commit(cell("old"))
    await agree(other, old, new, head=2)
    notebook.commit(cell("ours"))
    await agree(other, old, new, head=3)

    assert notebook.state.tables() == other.state.tables()


@THEIR_SERVER
async def test_our_client_finds_out_what_a_server_speaks(
    sync_url: str, peers: Peers
) -> None:
    livestore = await peers.livestore(sync_url)
    notebook = await peers.open(
        open_notebook(
            sync_url=sync_url, notebook_id=NOTEBOOK_ID, payload={"authToken": TOKEN}
        )
    )
    await livestore.commit(cell("theirs"))
    await agree(notebook, livestore, head=1)
    notebook.commit(cell("ours"))
    await agree(notebook, livestore, head=2)


@THEIR_SERVER
@NEW_ONLY
@pytest.mark.parametrize("livestore", [None, "0.4"])
async def test_a_wrong_token_is_what_the_refusal_speaks_of(
    livestore: LiveStoreVersion | None, sync_url: str
) -> None:
    with pytest.raises(ConnectionRefusedByServerError, match="Invalid auth token"):
        async with open_notebook(
            sync_url=sync_url,
            notebook_id=NOTEBOOK_ID,
            payload={"authToken": "wrong"},
            livestore=livestore,
        ):
            pass


@OUR_SERVER
@NEW_ONLY
async def test_livestore_that_misses_a_pong_comes_back(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    # It opens a new connection, but does not pull on it until that is closed as well.
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)
    proxy.hold_answers()
    notebook.commit(cell("missed"))
    await proxy.until(lambda: proxy.accepted >= 2)
    proxy.release()

    await livestore.commit(title("late"))

    await agree(notebook, livestore, head=2)


@OUR_SERVER
@NEW_ONLY
async def test_livestore_pulls_by_itself_after_a_cut(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)
    async with proxy.outage():
        notebook.commit(cell("missed"))
        await notebook.flush()

    await agree(notebook, livestore, head=1)
    await livestore.commit(cell("theirs"))
    await agree(notebook, livestore, head=2)
    notebook.commit(cell("ours"))
    await agree(notebook, livestore, head=3)
