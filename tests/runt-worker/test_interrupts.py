"""Interrupts reach the cell that they are meant for, and no other cell."""

import trio

from runt_worker import Error, Worker
from runt_worker.testing import Ran, SharedWorker, run_cell


def test_an_interrupted_cell_says_so_once(sandbox: SharedWorker) -> None:
    for code in [
        "while True: pass",
        "import asyncio\nawait asyncio.sleep(30)",
        "try:\n    while True: pass\nexcept KeyboardInterrupt: pass",
    ]:
        ran = sandbox.run(code, interrupt_after_s=0.2)
        assert [error.ename for error in ran.of_type(Error)] == ["KeyboardInterrupt"]
        assert ran.status == "KeyboardInterrupt"


def test_a_cell_may_clean_up(sandbox: SharedWorker) -> None:
    code = """
import time
try:
    time.sleep(30)
finally:
    print("cleaned up")
"""
    assert sandbox.run(code, interrupt_after_s=0.2).text() == "cleaned up\n"


def test_each_interrupt_counts(sandbox: SharedWorker) -> None:
    code = """
import time
for attempt in range(2):
    try:
        time.sleep(30)
    except KeyboardInterrupt:
        print("caught", attempt)
"""

    async def interrupt_twice(worker: Worker) -> Ran:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_interrupt_at, worker, [0.3, 0.8])
            return await run_cell(worker, code)

    ran = sandbox.call(interrupt_twice, sandbox.worker)
    assert ran.text() == "caught 0\ncaught 1\n"
    assert ran.ended < 20
    assert ran.status == "KeyboardInterrupt"


async def _interrupt_at(worker: Worker, times: list[float]) -> None:
    start = trio.current_time()
    for at in times:
        await trio.sleep_until(start + at)
        worker.interrupt()


def test_an_interrupt_without_a_cell_hits_nothing(sandbox: SharedWorker) -> None:
    async def interrupt_idle(worker: Worker) -> None:
        worker.interrupt()
        await trio.sleep(0.1)
        worker.interrupt()

    sandbox.call(interrupt_idle, sandbox.worker)
    code = "import time\nend = time.monotonic() + 0.3\nwhile time.monotonic() < end: 1"
    assert sandbox.run(code).status == "ok"


def test_an_interrupt_at_the_end_of_a_cell_does_not_hit_the_next(
    sandbox: SharedWorker,
) -> None:
    async def race(worker: Worker, delay_s: float) -> None:
        first = await run_cell(worker, "pass", delay_s)
        assert first.status in {"ok", "KeyboardInterrupt"}
        second = await run_cell(worker, "import time; time.sleep(0.05); 'second'")
        assert second.status == "ok"

    for step in range(20):
        sandbox.call(race, sandbox.worker, step / 2000)


def test_cancelling_an_execution_interrupts_its_cell(sandbox: SharedWorker) -> None:
    async def cancel(worker: Worker) -> None:
        pid = worker.pid
        with trio.move_on_after(0.3) as scope:
            await worker.execute("kept = 5\nwhile True: pass", lambda _output: None)
        assert scope.cancelled_caught
        assert worker.pid == pid

    sandbox.call(cancel, sandbox.worker)
    assert sandbox.run("print(kept)").text() == "5\n"
