"""LiveStore 0.3 clients that wait for what they will not ask for again.

Such a client pulls once in its life, and pushes nothing twice. When its connection ends
while a push is under way, LiveStore's own server leaves it waiting until it is loaded
again; ours brings it back (see `runt_protocol/_room_receivers.py`).
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
import trio
from livestore_rig import (
    OLD_ONLY,
    OUR_SERVER,
    TIMEOUT_S,
    Peers,
    Proxy,
    agree,
    cell,
    open_proxy,
    title,
    until,
)
from server_process import ServerProcess, StartServerProcess

pytestmark = OLD_ONLY


async def informed(data_dir: Path, clients: int, head: int) -> None:
    """Wait until the server is sure that clients have a log; a Pong may take longer."""
    with trio.fail_after(TIMEOUT_S):
        while _count_informed(data_dir, head) < clients:  # noqa: ASYNC110 - nothing tells of it
            await trio.sleep(0.01)


def _count_informed(data_dir: Path, head: int) -> int:
    lines = (data_dir / "known-clients.jsonl").read_text().splitlines()
    known = {line[1]: line[2] for line in map(json.loads, lines)}
    return sum(
        client is not None and client["has"] == head and not client["acks"]
        for client in known.values()
    )


async def lose_push(proxy: Proxy, lose: Callable[[], Awaitable[None]]) -> None:
    await proxy.until(lambda: proxy.kept_bytes)
    await lose()


@OUR_SERVER
@pytest.mark.parametrize("is_half_open", [False, True])
async def test_an_event_of_somebody_else_brings_back_who_lost_a_push(
    sync_url: str, proxy: Proxy, peers: Peers, *, is_half_open: bool
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)

    proxy.hold_requests()
    await livestore.commit(cell("lost"))
    await lose_push(proxy, proxy.lose_clients if is_half_open else proxy.cut)
    await livestore.wait_connected()
    notebook.commit(title("somebody else's"))

    await agree(notebook, livestore, head=2)
    await livestore.commit(title("live again"))
    notebook.commit(cell("ours"))
    await agree(notebook, livestore, head=4)


@OUR_SERVER
async def test_who_lost_a_push_comes_back_where_nobody_else_does_anything(
    sync_url: str, proxy: Proxy, peers: Peers, tmp_path: Path
) -> None:
    # It takes as long as from one of its Pings to the next, 25 s.
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)
    await livestore.commit(title("before"))
    await agree(notebook, livestore, head=1)
    await informed(tmp_path / "data", clients=1, head=1)

    proxy.hold_requests()
    await livestore.commit(cell("lost"))
    await lose_push(proxy, proxy.cut)

    await until(notebook, lambda: "lost" in notebook.state.cells)
    await agree(notebook, livestore, head=3)  # one event is the server's
    await livestore.commit(title("live again"))
    await agree(notebook, livestore, head=4)


@OUR_SERVER
async def test_who_did_not_hear_that_its_push_is_stored_goes_on(
    sync_url: str, proxy: Proxy, peers: Peers
) -> None:
    notebook = await peers.runt(sync_url)
    livestore = await peers.livestore(proxy.url)

    proxy.hold_answers()
    await livestore.commit(cell("stored"))
    await until(notebook, lambda: "stored" in notebook.state.cells)
    notebook.commit(title("on its way to nobody"))
    await notebook.flush()
    await proxy.cut()

    await agree(notebook, livestore, head=2)
    await livestore.commit(title("live again"))
    await agree(notebook, livestore, head=3)


@OUR_SERVER
async def test_who_only_looks_on_gets_what_it_missed(
    sync_url: str, proxy: Proxy, peers: Peers, tmp_path: Path
) -> None:
    notebook = await peers.runt(sync_url)
    viewers = [await peers.livestore(proxy.url, f"viewer-{n}") for n in range(3)]
    notebook.commit(title("before"))
    await agree(notebook, *viewers, head=1)
    await informed(tmp_path / "data", clients=3, head=1)

    async with proxy.outage():
        notebook.commit(cell("missed"), title("missed, too"))
        await notebook.flush()

    await agree(notebook, *viewers, head=3)
    notebook.commit(title("live again"))
    await agree(notebook, *viewers, head=4)
    await viewers[0].commit(cell("of a viewer"))
    await agree(notebook, *viewers, head=5)


@pytest.fixture
async def server_process(
    start_server_process: StartServerProcess,
) -> ServerProcess:
    return await start_server_process()


@pytest.fixture
async def process_proxy(server_process: ServerProcess) -> AsyncGenerator[Proxy]:
    async with open_proxy(server_process.sync_url) as proxy:
        yield proxy


@pytest.mark.parametrize("is_stored", [False, True])
async def test_a_push_survives_that_the_server_is_killed(
    server_process: ServerProcess,
    process_proxy: Proxy,
    peers: Peers,
    *,
    is_stored: bool,
) -> None:
    token = server_process.token
    notebook = await peers.runt(server_process.sync_url, token=token)
    livestore = await peers.livestore(process_proxy.url, token=token)
    await livestore.commit(title("before"))
    await agree(notebook, livestore, head=1)
    await informed(server_process.data_dir, clients=1, head=1)

    if is_stored:
        process_proxy.hold_answers()
        await livestore.commit(cell("under way"))
        await until(notebook, lambda: "under way" in notebook.state.cells)
    else:
        process_proxy.hold_requests()
        await livestore.commit(cell("under way"))
        await process_proxy.until(lambda: process_proxy.kept_bytes)
    await server_process.kill()
    await process_proxy.cut()
    await server_process.start()
    notebook.commit(title("somebody else's"))

    await agree(notebook, livestore, head=3)
    await livestore.commit(title("live again"))
    await agree(notebook, livestore, head=4)
