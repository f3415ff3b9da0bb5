"""The life of a worker: start, death, restart, end, and nothing left behind."""

import os
import signal
import tempfile
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import pytest
import trio
import trio.testing

from runt_worker import (
    ExecuteReply,
    Limits,
    Output,
    SetupError,
    WorkerClosedError,
    WorkerDiedError,
    WorkerOptions,
    open_worker,
    prepare,
)
from runt_worker._process import open_process
from runt_worker.testing import DEAF, run_cell

SLOW = """
class Slow:
    def __dir__(self):
        while True: pass
x = Slow()"""

STUBBORN = """
from pyodide.code import run_js
class Stubborn:
    def __dir__(self):
        run_js("for (;;) {}")
x = Stubborn()"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def listing(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@pytest.fixture
def run_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where this test's processes have their directories, and no others."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def ignore(_output: Output) -> None:
    pass


async def test_a_worker_outlives_its_processes_and_leaves_none(
    run_directories: Path,
) -> None:
    pids: list[int] = []
    async with open_worker() as worker:
        pids.append(worker.pid)
        # The process's own, and what stands behind /outputs.
        assert len(listing(run_directories)) == 2
        assert (await run_cell(worker, "kept = 1")).status == "ok"

        # It ends itself.
        with pytest.raises(WorkerDiedError, match=r"exit\(3\)") as death:
            await run_cell(worker, "import os; os._exit(3)")
        assert str(death.value) == death.value.reason
        with pytest.raises(WorkerDiedError, match=r"exit\(3\)"):
            await worker.is_complete("1")
        await worker.restart()
        pids.append(worker.pid)
        assert (await run_cell(worker, "kept")).status == "NameError"

        # It is killed, as the kernel of a machine without memory does.
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_kill_soon, worker.pid)
            with pytest.raises(WorkerDiedError, match="SIGKILL"):
                await run_cell(worker, "while True: pass")
        await worker.restart()
        pids.append(worker.pid)

        # It is restarted while a cell runs, and interrupted just then.
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                _expect_death, worker.execute("while True: pass", ignore)
            )
            await trio.sleep(0.2)
            nursery.start_soon(worker.restart)
            await trio.testing.wait_all_tasks_blocked()
            worker.interrupt()
        pids.append(worker.pid)
        assert (await run_cell(worker, "1")).status == "ok"

        await worker.aclose()
        with pytest.raises(WorkerClosedError):
            await run_cell(worker, "1")
        with pytest.raises(WorkerClosedError):
            worker.pid  # noqa: B018 (a property that raises)
        worker.interrupt()
        assert not any(is_alive(pid) for pid in pids)
        await worker.restart()
        pids.append(worker.pid)
        assert (await run_cell(worker, "1")).status == "ok"
    assert len(set(pids)) == 5
    assert not any(is_alive(pid) for pid in pids)
    assert listing(run_directories) == []


async def _kill_soon(pid: int) -> None:
    await trio.sleep(0.3)
    os.killpg(pid, signal.SIGKILL)


async def _expect_death(execution: Awaitable[ExecuteReply]) -> None:
    with pytest.raises(WorkerDiedError):
        await execution


async def test_what_does_not_heed_its_limits_is_killed() -> None:
    limits = Limits(interrupt_grace_s=0.5, request_timeout_s=5)
    async with open_worker(WorkerOptions(limits=limits)) as worker:
        with trio.CancelScope() as scope:
            await worker.execute(DEAF, lambda _begun: scope.cancel())
        assert scope.cancelled_caught
        with pytest.raises(WorkerDiedError, match="did not end within 0"):
            await run_cell(worker, "1")
        await worker.restart()

        await run_cell(worker, STUBBORN)
        with pytest.raises(WorkerDiedError, match="did not end within 0"):
            await worker.complete("x.", 2)


async def test_a_completion_that_hangs_is_interrupted_and_finds_nothing() -> None:
    limits = Limits(request_timeout_s=6, interrupt_grace_s=20)
    async with open_worker(WorkerOptions(limits=limits)) as worker:
        await run_cell(worker, f"{SLOW}; kept = 'kept'")
        assert (await worker.complete("x.", 2)).matches == []
        assert (await worker.complete("kep", 3)).matches == ["kept"]
        ran = await run_cell(worker, "print(kept)")
        assert (ran.text(), ran.text("stderr"), ran.status) == ("kept\n", "", "ok")


async def test_a_cell_does_not_wait_for_a_completion_that_hangs() -> None:
    limits = Limits(request_timeout_s=60, interrupt_grace_s=60)
    replies: list[list[str]] = []

    async with open_worker(WorkerOptions(limits=limits)) as worker:
        await run_cell(worker, SLOW)

        async def complete() -> None:
            replies.append((await worker.complete("x.", 2)).matches)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(complete)
            await trio.sleep(0.5)
            assert (await run_cell(worker, "1")).status == "ok"
        assert replies == [[]]

        # Nor does whoever gives a completion up lose the kernel.
        with trio.move_on_after(0.5) as scope:
            await worker.complete("x.", 2)
        assert scope.cancelled_caught
        assert (await worker.complete("impor", 5)).matches == ["import"]


async def test_a_process_that_is_not_ready_in_time_is_given_up(
    run_directories: Path,
) -> None:
    options = WorkerOptions(limits=Limits(start_timeout_s=0.01))
    with pytest.raises(WorkerDiedError, match="was not ready within 0 s"):
        async with open_worker(options):
            pytest.fail("it was ready")
    assert listing(run_directories) == []


async def test_how_a_process_ended_and_why_it_did_not_start_is_told(
    tmp_path: Path,
) -> None:
    assets = await trio.to_thread.run_sync(prepare, WorkerOptions())
    installation = replace(assets.installation, distribution=tmp_path)
    async with open_process(installation, Limits()) as process:
        os.kill(process.pid, signal.SIGTERM)
        assert "SIGTERM" in await process.wait()
    with pytest.raises(SetupError, match="cannot start the sandbox process"):
        async with open_process(replace(installation, deno=tmp_path), Limits()):
            pytest.fail("it was started")


async def test_two_workers_know_nothing_of_each_other() -> None:
    async with open_worker() as one, open_worker() as other:
        assert one.pid != other.pid
        await run_cell(one, "name = 'one'")
        assert (await run_cell(other, "name")).status == "NameError"
