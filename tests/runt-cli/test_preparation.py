import time
from collections.abc import Callable

import pytest
import trio

from runt_cli import _preparation
from runt_cli._preparation import prepare_sandbox
from runt_worker import WorkerOptions

Tell = Callable[[str], object]


def stand_in(takes_s: float) -> Callable[[WorkerOptions, Tell], None]:
    """Stand for a fresh machine, whose downloads a test has no way to slow down."""

    def prepare(_options: WorkerOptions, tell: Tell) -> None:
        for line in ("Fetching a", "Fetching b", "Fetching b", "Making c"):
            tell(line)
        time.sleep(takes_s)

    return prepare


async def test_what_is_done_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_preparation, "prepare", stand_in(takes_s=1.0))
    await prepare_sandbox(WorkerOptions())
    assert capsys.readouterr().err.splitlines() == [
        "Fetching a",
        "Fetching b",
        "Making c",
    ]


async def test_where_all_is_there_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_preparation, "prepare", stand_in(takes_s=0.0))
    await prepare_sandbox(WorkerOptions())
    assert capsys.readouterr().err == ""


async def test_nobody_waits_for_a_download_that_was_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_preparation, "prepare", stand_in(takes_s=3.0))
    started = time.monotonic()
    with trio.move_on_after(0.1):
        await prepare_sandbox(WorkerOptions())
    assert time.monotonic() - started < 2
