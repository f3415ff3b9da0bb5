"""The time of a cell: interrupted at its end, killed if it goes on, named always."""

from dataclasses import replace

import pytest

from runt_worker import Limits, WorkerDiedError, WorkerOptions, open_worker
from runt_worker.testing import DEAF, run_cell

LIMITS = Limits(cell_timeout_s=0.5, interrupt_grace_s=20)


async def test_a_cell_that_runs_for_too_long_is_interrupted_by_name() -> None:
    async with open_worker(WorkerOptions(limits=LIMITS)) as worker:
        for code in (
            "kept = 1\nwhile True: pass",
            "await __import__('asyncio').sleep(60)",
        ):
            ran = await run_cell(worker, code)
            assert ran.status == "TimeoutError"
            assert ran.errors() == ["KeyboardInterrupt", "TimeoutError"]
            assert ran.reply
            assert ran.reply.evalue == (
                "the cell ran for more than 0.5 s (--cell-timeout)"
            )
            assert ran.ended >= 0.5
        # What it had is still there, and the next cell has its own time.
        assert (await run_cell(worker, "print(kept)")).text() == "1\n"


async def test_a_cell_that_goes_on_is_killed() -> None:
    limits = Limits(cell_timeout_s=2, interrupt_grace_s=0.5)
    async with open_worker(WorkerOptions(limits=limits)) as worker:
        with pytest.raises(WorkerDiedError, match=r"2 s \(--cell-timeout\), and "):
            await run_cell(worker, DEAF)
        await worker.restart()
        assert (await run_cell(worker, "1")).status == "ok"


async def test_a_cell_in_time_is_left_alone() -> None:
    limits = replace(LIMITS, cell_timeout_s=20)
    async with open_worker(WorkerOptions(limits=limits)) as worker:
        assert (await run_cell(worker, "import time; time.sleep(1)")).status == "ok"
