"""Measure interrupts beside a native ipykernel: ``hatch run bench-interrupts``.

The clock runs from the interrupt until the reply. An await is no shape of ipykernel's
that it could interrupt: what it says of it is "never", after a second of waiting.
"""

import argparse
import random
import statistics
import time
from queue import Empty
from typing import Any

import native_kernel
import trio
from jupyter_client.blocking.client import BlockingKernelClient

from runt_worker import (
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
}
_STUBBORN = "sum(range(10**10))"
_GRACE_S = 1.0
_GIVEN_UP_AFTER_S = 1.0
_SETTLED_S = 0.1
"""A cell is at its work by then; a random part of a tick is added."""


def pause_s() -> float:
    """Return when to interrupt, in seconds from the start of the cell."""
    return _SETTLED_S + random.uniform(0, 0.05)  # noqa: S311 - no secret


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
        reply = await worker.execute(code, lambda _output: None)
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
    """Return median and 99th percentile (the largest, of fewer than 100), in ms."""
    ordered = sorted(series)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"{statistics.median(ordered) * 1000:7.1f} ms{p99 * 1000:8.1f} ms"


async def measure_ours(repeats: int) -> dict[str, str]:
    """Return a distribution for each shape, and print what a kill costs."""
    options = WorkerOptions(limits=Limits(interrupt_grace_s=_GRACE_S))
    async with open_worker(options) as worker:
        found = {
            shape: distribution([await ours_s(worker, code) for _ in range(repeats)])
            for shape, code in _SHAPES.items()
        }
        kills = [await killed_s(worker) for _ in range(max(repeats // 10, 3))]
    print(f"killed, from the grace period to the next result {distribution(kills)}")
    return found


def measure_theirs(repeats: int) -> dict[str, str]:
    """Return a distribution for each shape that an ipykernel heeds."""
    found: dict[str, str] = {}
    for shape, code in _SHAPES.items():
        with native_kernel.managed_kernel() as (manager, client):
            series: list[float] = []
            for _ in range(repeats):
                elapsed = theirs_s(manager, client, code)
                if elapsed is None:
                    break
                series.append(elapsed)
            heeded = len(series) == repeats
            found[shape] = distribution(series) if heeded else "never"
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=100)
    repeats: int = parser.parse_args().repeats
    ours = trio.run(measure_ours, repeats)
    theirs = measure_theirs(repeats)
    print(f"{'median and p99':<22}{'runt':>23}{'ipykernel':>25}")
    for shape in _SHAPES:
        print(f"{shape:<22}{ours[shape]:>23}{theirs[shape]:>25}")


if __name__ == "__main__":
    main()
