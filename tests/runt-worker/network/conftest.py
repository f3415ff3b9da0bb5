"""Web servers of this machine, and a sandbox that may reach one by its address."""

from collections.abc import Generator
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
from network_rig import Site, serve

from runt_worker import NetworkGrants, WorkerOptions
from runt_worker.testing import SharedWorker, shared_worker

DATA = Path(__file__).parent / "data"
"""A key, and certificates that nobody else believes."""


@pytest.fixture(scope="session")
def site() -> Generator[Site]:
    with serve() as site:
        yield site


@pytest.fixture(scope="session")
def other_site() -> Generator[Site]:
    """Return one that nobody is granted to reach."""
    with serve() as site:
        yield site


@pytest.fixture(scope="session")
def secure_site() -> Generator[Site]:
    """Return `secure.example`, by a certificate of the authority in `data`."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / "server.pem")
    with serve(context) as site:
        yield site


@pytest.fixture(scope="session")
def granted(site: Site) -> Generator[SharedWorker]:
    """Return a sandbox that may reach that site, and every public host."""
    grants = NetworkGrants.parse(f"127.0.0.1:{site.port}", "*")
    with shared_worker(WorkerOptions(allow_net=grants)) as shared:
        yield shared
