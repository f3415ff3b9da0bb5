"""One real sandbox for all tests that leave it as they found it."""

from collections.abc import Generator

import pytest

from runt_worker.testing import SharedWorker, shared_worker


@pytest.fixture(scope="session")
def sandbox() -> Generator[SharedWorker]:
    with shared_worker() as shared:
        yield shared
