"""One real sandbox, started from an environment that holds a secret."""

from collections.abc import Generator

import pytest

from runt_worker.testing import SharedWorker, shared_worker

CANARY = "canary-that-no-cell-may-see"


@pytest.fixture(scope="session")
def canary() -> str:
    return CANARY


@pytest.fixture(scope="session")
def sandbox() -> Generator[SharedWorker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNT_API_KEY", CANARY)
        patch.setenv("AUTH_TOKEN", CANARY)
        with shared_worker() as shared:
            yield shared
