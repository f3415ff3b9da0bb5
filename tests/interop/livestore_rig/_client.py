"""A real LiveStore client of a notebook, as a process."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from livestore_rig._installation import Installation
from livestore_rig._script import Script, open_script
from runt_protocol import Event, encode_event

Tables: TypeAlias = dict[str, list[dict[str, object]]]

_WAIT_MS: Final = 30_000


class LiveStoreClient:
    """The store of a notebook in a JavaScript process of its own."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def open(
        self,
        *,
        url: str | None,
        token: str,
        store_id: str,
        client_id: str = "javascript",
        folder: Path | None = None,
        wait_for_pull: bool = True,
    ) -> None:
        """Open a store; with a URL it has read the log to its head afterwards.

        Args:
            url: The sync URL; without one the store stays by itself.
            token: The token for the server.
            store_id: The notebook.
            client_id: The client's name in its events.
            folder: Where it keeps its databases; in memory without one.
            wait_for_pull: Whether to have the log before it counts as open.

        Raises:
            RigError: LiveStore could not open it.
        """
        await self._ask(
            "open",
            storeId=store_id,
            clientId=client_id,
            authToken=token,
            **({} if url is None else {"url": url}),
            **({} if wait_for_pull else {"initialSyncMs": 0}),
            **({} if folder is None else {"folder": str(folder)}),
        )

    async def commit(self, *events: Event | Mapping[str, object]) -> None:
        """Commit events, ours or as JSON values with `name` and `args`.

        Raises:
            RigError: LiveStore refuses one of them.
        """
        await self._ask("commit", events=[_on_the_wire(event) for event in events])

    async def wait_head(self, head: int) -> None:
        """Wait until the log is confirmed up to an event.

        Raises:
            RigError: That does not happen.
        """
        await self._ask("wait", head=head, timeoutMs=_WAIT_MS)

    async def wait_local_head(self, head: int) -> None:
        """Wait until its own log has an event, confirmed or not.

        Raises:
            RigError: That does not happen.
        """
        await self._ask("wait", localHead=head, timeoutMs=_WAIT_MS)

    async def wait_connected(self, *, connected: bool = True) -> None:
        """Wait until it is connected, or is not.

        Raises:
            RigError: That does not happen.
        """
        await self._ask("wait", connected=connected, timeoutMs=_WAIT_MS)

    async def head(self) -> int:
        """Return the number of the last event that the server has confirmed."""
        return (await self._ask("status"))["head"]

    async def local_head(self) -> int:
        """Return the number of the last event, its own pending ones included."""
        return (await self._ask("status"))["localHead"]

    async def tables(self) -> Tables:
        """Return the rows of every table, as SQLite holds them, by primary key."""
        return await self._ask("dump")

    async def event_log(self) -> list[dict[str, Any]]:
        """Return the rows of the client's event log in their order."""
        return await self._ask("eventlog")

    async def close(self) -> None:
        """Close the store; another can be opened."""
        await self._ask("close")

    async def kill(self) -> None:
        """End the process as a crash would."""
        await self._script.kill()

    async def _ask(self, command: str, **fields: object) -> Any:
        return await self._script.ask({"do": command, **fields})


def _on_the_wire(event: Event | Mapping[str, object]) -> Mapping[str, object]:
    if isinstance(event, Mapping):
        return event
    encoded = encode_event(event)
    args = {} if encoded.args_text is None else {"args": json.loads(encoded.args_text)}
    return {"name": encoded.name, **args}


@asynccontextmanager
async def open_client(
    installation: Installation, log: Path
) -> AsyncGenerator[LiveStoreClient]:
    """Start a client's process, which ends with the block; its store is not open yet.

    Args:
        installation: Where the packages are.
        log: A new file for what LiveStore logs.

    Raises:
        RigError: The process did not start.
    """
    async with open_script(installation, log, "client.ts") as script:
        yield LiveStoreClient(script)
