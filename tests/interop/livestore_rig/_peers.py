"""Clients of both kinds in one notebook, for the length of a test."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

import trio

from livestore_rig._client import LiveStoreClient, open_client
from livestore_rig._installation import Installation
from runt_agent import Notebook, open_notebook
from runt_protocol import WIRE_V03, Wire, WireV04

T = TypeVar("T")

NOTEBOOK_ID: Final = "notebook"
TOKEN: Final = "token-of-the-interop-tests"
TIMEOUT_S: Final = 60


@dataclass
class Peers:
    """Opens clients; they live until the test's nursery ends.

    Attributes:
        nursery: The test's nursery.
        installation: Where LiveStore is.
        folder: Where it may leave its logs.
    """

    nursery: trio.Nursery
    installation: Installation
    folder: Path
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def wire(self) -> Wire:
        """What LiveStore speaks, for clients that a test writes itself."""
        is_old = self.installation.version == "0.3"
        return WIRE_V03 if is_old else WireV04(NOTEBOOK_ID)

    async def open(self, opening: AbstractAsyncContextManager[T]) -> T:
        """Keep a context open in a task of its own."""
        return await self.nursery.start(self._keep_open, opening)

    async def _keep_open(
        self, opening: AbstractAsyncContextManager[T], task_status: trio.TaskStatus[T]
    ) -> None:
        async with opening as opened:
            task_status.started(opened)
            await trio.sleep_forever()

    async def runt(self, url: str, *, token: str = TOKEN) -> Notebook:
        """Join the notebook with our client."""
        return await self.open(
            open_notebook(
                sync_url=url,
                notebook_id=NOTEBOOK_ID,
                payload={"authToken": token},
                livestore=self.installation.version,
            )
        )

    async def livestore(
        self,
        url: str,
        client_id: str = "javascript",
        *,
        token: str = TOKEN,
        folder: Path | None = None,
        wait_for_pull: bool = True,
    ) -> LiveStoreClient:
        """Join the notebook with LiveStore; see `LiveStoreClient.open`."""
        log = self.folder / f"livestore-{next(self._numbers)}.log"
        client = await self.open(open_client(self.installation, log))
        await client.open(
            url=url,
            token=token,
            store_id=NOTEBOOK_ID,
            client_id=client_id,
            folder=folder,
            wait_for_pull=wait_for_pull,
        )
        return client


async def agree(notebook: Notebook, *others: LiveStoreClient, head: int) -> None:
    """See that clients of both kinds come to the same tables.

    Args:
        notebook: Our client.
        others: LiveStore's.
        head: The number of the last event: all hold the log up to it, nothing behind
            it, and nothing that is not confirmed.
    """
    with trio.fail_after(TIMEOUT_S):
        await notebook.wait_for(
            lambda _: notebook.head >= head and not notebook.pending_count
        )
    for livestore in others:
        await livestore.wait_head(head)
        assert await livestore.tables() == notebook.state.tables()
        assert await livestore.local_head() == notebook.head == head


async def until(notebook: Notebook, predicate: Callable[[], object]) -> None:
    """Wait until something is true that only the notebook's changes can make true."""
    with trio.fail_after(TIMEOUT_S):
        await notebook.wait_for(lambda _: bool(predicate()))
