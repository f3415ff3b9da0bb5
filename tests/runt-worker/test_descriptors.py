"""How many files mounts may hold, by what the system gives this process."""

import resource

import pytest

from runt_worker._descriptors import share_out

INFINITE = resource.RLIM_INFINITY


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The limit of a process that is not this one."""
    now = {"soft": 1024, "hard": 1 << 20}

    def getrlimit(_which: int) -> tuple[int, int]:
        return now["soft"], now["hard"]

    def setrlimit(_which: int, pair: tuple[int, int]) -> None:
        now["soft"], now["hard"] = pair

    monkeypatch.setattr(resource, "getrlimit", getrlimit)
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    return now


@pytest.mark.parametrize("mounts", [1, 2, 30])
def test_the_soft_limit_is_raised_as_far_as_needed(
    limits: dict[str, int], mounts: int
) -> None:
    assert share_out(mounts) == 1024
    assert limits == {"soft": mounts * 1024 + 256, "hard": 1 << 20}


@pytest.mark.parametrize(
    ("soft", "hard", "mounts", "each"),
    [
        (1024, 4096, 2, 1024),
        (1024, 4096, 8, 480),
        (1024, 1024, 2, 384),
        (4096, 4096, 8, 480),
        (256, 256, 3, 16),
        (1024, INFINITE, 100, 1024),
        (INFINITE, INFINITE, 100, 1024),
        (1 << 20, 1 << 20, 2, 1024),
    ],
)
def test_what_there_is_is_shared(
    limits: dict[str, int], soft: int, hard: int, mounts: int, each: int
) -> None:
    limits.update(soft=soft, hard=hard)
    assert share_out(mounts) == each
    assert limits["hard"] == hard
    assert limits["soft"] == INFINITE or limits["soft"] >= soft
