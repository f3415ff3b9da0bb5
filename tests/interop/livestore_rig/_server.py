"""The real sync server, as a process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from livestore_rig._installation import Installation
from livestore_rig._script import open_script


@asynccontextmanager
async def open_livestore_server(
    installation: Installation, log: Path, token: str
) -> AsyncGenerator[str]:
    """Run `@livestore/sync-cf` in workerd, its logs of events in memory.

    Args:
        installation: Where the packages are.
        log: A new file for what it logs.
        token: The token that it asks of its clients.

    Yields:
        Its sync URL.

    Raises:
        RigError: It did not start.
    """
    bundle = installation.worker_bundle
    async with open_script(installation, log, "server.ts", token, bundle) as script:
        yield script.greeting
