"""Both servers, both kinds of clients, and a network that fails between them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
import trio
from livestore_rig import (
    Installation,
    LiveStoreClient,
    Proxy,
    install,
    open_client,
    open_livestore_server,
    open_proxy,
)

from runt_agent import Notebook, open_notebook
from runt_sync import open_server

TOKEN = "token-of-the-interop-tests"
STORE_ID = "notebook"
TIMEOUT_S = 60

T = TypeVar("T")


@pytest.fixture(scope="session")
def installation() -> Installation:
    return install()


@pytest.fixture
def log_file(tmp_path: Path) -> Callable[[], Path]:
    """Name a new file for what LiveStore logs."""
    numbers = count(1)
    return lambda: tmp_path / f"livestore-{next(numbers)}.log"


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture(params=["runt-sync", "sync-cf"])
async def sync_url(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    installation: Installation,
    log_file: Callable[[], Path],
) -> AsyncGenerator[str]:
    """The sync URL of a fresh server: our own, then LiveStore's.

    A test of one of them says `@pytest.mark.parametrize("sync_url", ["runt-sync"],
    indirect=True)`.
    """
    if request.param == "runt-sync":
        async with open_server(data_dir=tmp_path / "data", token=TOKEN) as server:
            yield server.sync_url
        return
    async with open_livestore_server(installation, log_file(), TOKEN) as url:
        yield url


@pytest.fixture
async def proxy(sync_url: str) -> AsyncGenerator[Proxy]:
    """A network that can fail in front of the server."""
    async with open_proxy(sync_url) as proxy:
        yield proxy


class Joining:
    """Opens what a test uses until its end, each in a task of its own."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    async def open(self, opening: AbstractAsyncContextManager[T]) -> T:
        return await self._nursery.start(self._keep_open, opening)

    async def _keep_open(
        self, opening: AbstractAsyncContextManager[T], task_status: trio.TaskStatus[T]
    ) -> None:
        async with opening as opened:
            task_status.started(opened)
            await trio.sleep_forever()


@pytest.fixture
def joining(nursery: trio.Nursery) -> Joining:
    return Joining(nursery)


@pytest.fixture
def start_livestore(
    joining: Joining, installation: Installation, log_file: Callable[[], Path]
) -> Callable[[], Awaitable[LiveStoreClient]]:
    """Start a process for a LiveStore client; its store is not open yet."""

    async def start() -> LiveStoreClient:
        return await joining.open(open_client(installation, log_file()))

    return start


@pytest.fixture
def join_livestore(
    start_livestore: Callable[[], Awaitable[LiveStoreClient]],
) -> Callable[..., Awaitable[LiveStoreClient]]:
    """Join the notebook with LiveStore: `await join_livestore(url)`."""

    async def join(url: str, client_id: str = "javascript") -> LiveStoreClient:
        client = await start_livestore()
        await client.open(url=url, token=TOKEN, store_id=STORE_ID, client_id=client_id)
        return client

    return join


@pytest.fixture
def join_runt(joining: Joining) -> Callable[[str], Awaitable[Notebook]]:
    """Join the notebook with our client: `await join_runt(url)`."""

    async def join(url: str) -> Notebook:
        return await joining.open(
            open_notebook(
                sync_url=url, notebook_id=STORE_ID, payload={"authToken": TOKEN}
            )
        )

    return join


@pytest.fixture
def agree() -> Callable[..., Awaitable[None]]:
    """See that clients of both kinds come to the same tables.

    `await agree(notebook, *livestores, head=n)`: they must hold the log up to event
    n, and nothing that is not confirmed.
    """

    async def agree(notebook: Notebook, *others: LiveStoreClient, head: int) -> None:
        with trio.fail_after(TIMEOUT_S):
            await notebook.wait_for(
                lambda _: notebook.head >= head and not notebook.pending_count
            )
        for livestore in others:
            await livestore.wait_head(head)
            assert await livestore.tables() == notebook.state.tables()
            assert await livestore.local_head() == notebook.head == head

    return agree
