"""A cell that prints for ever fills nobody's memory and can still be told to stop."""

import os
import time

import pytest
import trio

from runt_worker import Limits, Output, WorkerOptions, open_worker
from runt_worker._usage import memory_bytes
from runt_worker.testing import run_cell

FLOOD = "while True: print('x' * 1000)"
DISPLAYS = """
from IPython.display import display
while True: display({"text/plain": "x" * 1000}, raw=True)
"""
MEBIBYTE = 1024 * 1024
WARM_UP_S = 1.0
FLOOD_S = 4.0
UNLIMITED = Limits(
    max_output_bytes=None, max_outputs=None, max_output_rate=None, max_outputs_rate=None
)
GROWTH = 150 * MEBIBYTE
"""Garbage that is not collected yet; without back-pressure it is gigabytes."""


@pytest.mark.parametrize("pause_s", [0.0, 0.005], ids=["quick", "slow"])
@pytest.mark.parametrize("code", [FLOOD, DISPLAYS], ids=["text", "displays"])
async def test_a_flood_is_held_back_in_the_guest(code: str, pause_s: float) -> None:
    """The consumer takes all (no limit of output), and may be slower than the cell."""
    limits = UNLIMITED

    def consume(_output: Output) -> None:
        time.sleep(pause_s)

    async with open_worker(WorkerOptions(limits=limits)) as worker:
        pids = (worker.pid, os.getpid())
        interrupted = 0.0
        early: list[int] = []
        late: list[int] = []

        async def watch() -> None:
            nonlocal interrupted
            await trio.sleep(WARM_UP_S)
            early.extend(map(memory_bytes, pids))
            await trio.sleep(FLOOD_S)
            late.extend(map(memory_bytes, pids))
            interrupted = time.perf_counter()
            worker.interrupt()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            reply = await worker.execute(code, consume)
        # Also the slow consumer has seen all that was on its way by then.
        assert time.perf_counter() - interrupted < 20  # gigabytes would take minutes
        assert reply.ename == "KeyboardInterrupt"
        for before, after in zip(early, late, strict=True):
            assert after - before < GROWTH
        assert (await run_cell(worker, "print(1)")).text() == "1\n"


@pytest.mark.parametrize("code", [FLOOD, DISPLAYS], ids=["text", "displays"])
async def test_a_flood_ends_within_a_second_of_being_told(code: str) -> None:
    async with open_worker() as worker:
        ran = await run_cell(worker, code, interrupt_after_s=1.5)
        assert ran.status == "KeyboardInterrupt"
        assert ran.ended - ran.interrupted < 1
