"""Measure interrupts beside a native ipykernel: ``hatch run bench-interrupts``.

The clock runs from the interrupt until the reply. Where ipykernel does not heed the
first one within a second, as in an await, it says "never".
"""

import argparse
import math
import random
import statistics
import time
from queue import Empty
from typing import Any

import native_kernel
import trio
from jupyter_client.blocking.client import BlockingKernelClient

from runt_worker import (
    InputRequest,
    Limits,
    UnheededInterruptError,
    Worker,
    WorkerOptions,
    open_worker,
)

_SHAPES = {
    "busy loop": "while True: pass",
    "time.sleep": "import time; time.sleep(3600)",
    "await asyncio.sleep": "import asyncio; await asyncio.sleep(3600)",
    "input()": "input('?')",
}
_STUBBORN = "sum(range(10**10))"
_GRACE_S = 1.0
_GIVEN_UP_AFTER_S = 1.0
_SETTLED_S = 0.03
"""A cell is at its work by then; a random part of a tick is added."""


def pause_s() -> float:
    """Return when to interrupt, in seconds from the start of the cell."""
    return _SETTLED_S + random.uniform(0, 0.05)  # noqa: S311 - no secret


async def never_answer(_request: InputRequest) -> str | None:
    """Leave a question open."""
    await trio.sleep_forever()


async def ours_s(worker: Worker, code: str) -> float:
    """Return seconds from the interrupt of a cell of ours until its reply."""
    interrupted = 0.0

    async def interrupt() -> None:
        nonlocal interrupted
        await trio.sleep(pause_s())
        interrupted = time.perf_counter()
        worker.interrupt()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(interrupt)
        reply = await worker.execute(code, lambda _output: None, never_answer)
    elapsed = time.perf_counter() - interrupted
    if reply.status != "error" or reply.ename != "KeyboardInterrupt":
        raise RuntimeError(f"a cell that was told to stop ended so: {reply}")
    return elapsed


async def killed_s(worker: Worker) -> float:
    """Return seconds from the end of the grace period to the next cell's result."""
    told = 0.0

    async def interrupt() -> None:
        nonlocal told
        await trio.sleep(_SETTLED_S)
        told = time.perf_counter()
        worker.interrupt()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(interrupt)
        try:
            await worker.execute(_STUBBORN, lambda _output: None)
        except UnheededInterruptError:
            await worker.restart()
    await worker.execute("20 + 22", lambda _output: None)
    return time.perf_counter() - told - _GRACE_S


def theirs_s(manager: Any, client: BlockingKernelClient, code: str) -> float | None:
    """Return the same of an ipykernel; None if it goes on."""
    request = client.execute(code)
    time.sleep(pause_s())
    interrupted = time.perf_counter()
    manager.interrupt_kernel()
    while True:
        try:
            reply = client.get_shell_msg(timeout=_GIVEN_UP_AFTER_S)
        except Empty:
            return None
        if reply["parent_header"].get("msg_id") == request:
            return time.perf_counter() - interrupted


def distribution(series: list[float]) -> str:
    """Return median, 99th percentile (nearest rank) and the largest, in ms."""
    ordered = sorted(series)
    p99 = ordered[math.ceil(0.99 * len(ordered)) - 1]
    figures = (statistics.median(ordered), p99, ordered[-1])
    return "".join(f"{figure * 1000:8.1f}" for figure in figures)


async def measure_ours(count: int) -> dict[str, str]:
    """Return a distribution for each shape, and print what a kill costs."""
    options = WorkerOptions(limits=Limits(interrupt_grace_s=_GRACE_S))
    async with open_worker(options) as worker:
        found = {
            shape: distribution([await ours_s(worker, code) for _ in range(count)])
            for shape, code in _SHAPES.items()
        }
        kills = [await killed_s(worker) for _ in range(min(max(count // 10, 3), 5))]
    print(f"killed, from the grace period to the next result{distribution(kills)} ms")
    return found


def measure_theirs(count: int) -> dict[str, str]:
    """Return a distribution for each shape that an ipykernel heeds."""
    found: dict[str, str] = {}
    for shape, code in _SHAPES.items():
        with native_kernel.managed_kernel() as (manager, client):
            series: list[float] = []
            for _ in range(count):
                elapsed = theirs_s(manager, client, code)
                if elapsed is None:
                    break
                series.append(elapsed)
            heeded = len(series) == count
            found[shape] = distribution(series) if heeded else "never"
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="of each shape")
    count: int = parser.parse_args().count
    ours = trio.run(measure_ours, count)
    theirs = measure_theirs(count)
    print(f"{'median, p99, max; ms':<22}{'runt':>24}{'ipykernel':>27}")
    for shape in _SHAPES:
        print(f"{shape:<22}{ours[shape]:>24}{theirs[shape]:>27}")


if __name__ == "__main__":
    main()
