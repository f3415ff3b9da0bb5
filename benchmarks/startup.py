"""Measure starts and memory beside a native ipykernel: ``hatch run bench-start``.

Every line gives medians of both from one run, taken in turns, and their ratio; on a
noisy machine only the ratio counts. The clock of a start runs from the spawn.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import native_kernel
import sandbox
import trio
from figures import report

from runt_worker import Limits, WorkerOptions, open_worker, prepare
from runt_worker._image_making import ensure_image

_PLOT = """
import matplotlib.pyplot as plt, pandas as pd
frame = pd.DataFrame({"x": range(100)})
frame["y"] = frame.x ** 2
_ = frame.plot(x="x", y="y")
print("drawn")
"""
_EMPTY_CLICK = """
import click
@click.command()
def main(): "Do nothing."
main(["--help"])
"""
_IMPORTS = ("numpy", "pandas", "matplotlib.pyplot")
_SMALL_WORK = {
    "pure Python": "sum(i * i % 7 for i in range(1_000_000))",
    "JSON": "import json; len(json.dumps([{'a': i} for i in range(100_000)]))",
    "sorting": "len(sorted(str(i * 7919 % 100_003) for i in range(200_000)))",
    "SHA-256": "import hashlib; hashlib.sha256(bytes(20_000_000)).hexdigest()",
}


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run_program(*command: str) -> None:
    """Run a program to its end, its output left out."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def in_turns(
    repeats: int, ours: Callable[[], float], peer: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Return both series of figures, measured one after the other in turns."""
    pairs = [(ours(), peer()) for _ in range(repeats)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def measure_commands(repeats: int) -> None:
    """Compare what the command line costs before it does anything."""
    runt = str(Path(sys.executable).with_name("runt"))
    ours, peer = in_turns(
        repeats,
        lambda: timed(lambda: run_program(runt, "--help")),
        lambda: timed(lambda: run_program(sys.executable, "-c", _EMPTY_CLICK)),
    )
    report("runt --help / an empty click program", ours, peer)


def measure_starts(repeats: int) -> None:
    """Compare starts: the command, a restart, and without what makes it fast."""
    report(
        "runt exec to its first result",
        *in_turns(repeats, sandbox.cold_start_s, native_kernel.cold_start_s),
    )
    report(
        "restart of a worker to its first result",
        *in_turns(repeats, lambda: trio.run(restart_s), native_kernel.cold_start_s),
    )
    few = min(repeats, 3)
    without = WorkerOptions(use_image=False)
    report(
        "worker without a memory image",
        *in_turns(few, lambda: trio.run(start_s, without), native_kernel.cold_start_s),
    )
    report(
        "making the memory image (once)",
        *in_turns(1, make_image_s, native_kernel.cold_start_s),
    )


async def start_s(options: WorkerOptions) -> float:
    """Return seconds until the first result of a worker of this process."""
    started = time.perf_counter()
    async with open_worker(options) as worker:
        await sandbox.run_cell(worker, "20 + 22")
        return time.perf_counter() - started


async def restart_s() -> float:
    """Return seconds from a restart to the first result."""
    async with open_worker() as worker:
        started = time.perf_counter()
        await worker.restart()
        await sandbox.run_cell(worker, "20 + 22")
        return time.perf_counter() - started


def make_image_s() -> float:
    """Return seconds for a memory image, everything else being there."""
    assets = prepare(WorkerOptions(use_image=False))
    with tempfile.TemporaryDirectory() as directory:
        return timed(lambda: ensure_image(Path(directory), assets, Limits()))


def measure_plot(repeats: int) -> None:
    """Compare a figure of pandas and matplotlib, from nothing running."""

    def native_s() -> float:
        started = time.perf_counter()
        with native_kernel.native_kernel() as client:
            native_kernel.run_cell(client, "%matplotlib inline\n" + _PLOT)
            return time.perf_counter() - started

    report(
        "pandas and matplotlib to a PNG, from cold",
        *in_turns(repeats, lambda: sandbox.exec_s(_PLOT, "drawn"), native_s),
    )


def measure_imports() -> None:
    """Compare imports in fresh kernels, packages being in the cache."""
    for module in _IMPORTS:
        code = f"import {module}"
        with native_kernel.native_kernel() as client:
            peer_s, _ = native_kernel.run_cell(client, code)
        report(code, [trio.run(first_cell_s, code)], [peer_s])


async def first_cell_s(code: str) -> float:
    """Return how long a cell takes that is a worker's first."""
    async with open_worker() as worker:
        return (await sandbox.run_cell(worker, code))[0]


async def measure_work() -> None:
    """Compare small computations, each in its second run."""
    with native_kernel.native_kernel() as client:
        async with open_worker() as worker:
            for name, code in _SMALL_WORK.items():
                await sandbox.run_cell(worker, code)
                ours_s, _ = await sandbox.run_cell(worker, code)
                native_kernel.run_cell(client, code)
                report(name, [ours_s], [native_kernel.run_cell(client, code)[0]])


def measure_memory() -> None:
    """Compare resident memory of idle kernels; ours are two processes."""
    finished = subprocess.run(
        [sys.executable, "-c", _IDLE], check=True, stdout=subprocess.PIPE, text=True
    )
    supervisor, in_sandbox = map(float, finished.stdout.split())
    with native_kernel.native_process() as pid:
        peer = resident_mib(pid)
    print(
        f"memory, idle: {in_sandbox:.0f} MiB sandbox + {supervisor:.0f} MiB supervisor;"
        f" ipykernel {peer:.0f} MiB; {(in_sandbox + supervisor) / peer:.1f} x"
    )


_IDLE = """
import os, trio, runt_worker
def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
async def main():
    async with runt_worker.open_worker() as worker:
        await worker.execute("20 + 22", lambda output: None)
        print(resident("self"), resident(worker.pid))
trio.run(main)
"""


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no resident memory")


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, help="of quick figures")
    repeats: int = parser.parse_args().repeats
    prepare(WorkerOptions()).packages.ensure(["pandas", "matplotlib"])
    print(f"{'':<42}{'runt':>13}{'peer':>13}{'ratio':>10}")
    measure_commands(repeats)
    measure_starts(repeats)
    measure_plot(3)
    measure_imports()
    trio.run(measure_work)
    measure_memory()


if __name__ == "__main__":
    main()
