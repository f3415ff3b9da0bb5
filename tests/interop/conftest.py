"""Both servers, both kinds of clients, and a network that fails between them."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trio
from livestore_rig import (
    TOKEN,
    VERSIONS,
    Installation,
    Peers,
    Proxy,
    install,
    open_livestore_server,
    open_proxy,
)

from runt_sync import open_server


@pytest.fixture(scope="session", params=VERSIONS)
def installation(request: pytest.FixtureRequest) -> Installation:
    """LiveStore, first in one version, then in the other.

    A test of one of them says `OLD_ONLY` or `NEW_ONLY`.
    """
    return install(request.param)


@pytest.fixture(params=["runt-sync", "sync-cf"])
async def sync_url(
    request: pytest.FixtureRequest, tmp_path: Path, installation: Installation
) -> AsyncGenerator[str]:
    """The sync URL of a fresh server: our own, then LiveStore's.

    A test of one of them says `OUR_SERVER` or `THEIR_SERVER`.
    """
    if request.param == "runt-sync":
        async with open_server(data_dir=tmp_path / "data", token=TOKEN) as server:
            yield server.sync_url
        return
    log = tmp_path / "server.log"
    async with open_livestore_server(installation, log, TOKEN) as url:
        yield url


@pytest.fixture
async def proxy(sync_url: str) -> AsyncGenerator[Proxy]:
    """A network that can fail in front of the server."""
    async with open_proxy(sync_url) as proxy:
        yield proxy


@pytest.fixture
def peers(nursery: trio.Nursery, installation: Installation, tmp_path: Path) -> Peers:
    """Opens clients: `await peers.runt(url)`, `await peers.livestore(url)`."""
    return Peers(nursery, installation, tmp_path)
