"""Measure runt beside a native ipykernel in the same run: ``hatch run bench``.

Every line gives both medians and their ratio; on a noisy machine only the ratio counts.
"""

import argparse

import native_kernel
import sandbox
import trio
from figures import report

from runt_worker import Worker, WorkerOptions, open_worker, prepare

_PRINTS = "for i in range(100_000): print(i)"
_FLUSHED_PRINTS = "for i in range(100_000): print(i, flush=True)"


async def measure_warm(repeats: int) -> None:
    """Compare what happens in a running kernel."""
    with native_kernel.native_kernel() as client:
        async with open_worker() as worker:
            await _measure_round_trips(repeats, worker, client)
            await _measure_prints("100,000 prints", _PRINTS, worker, client, 3)
            # Native flushes take most of a minute: once is enough.
            await _measure_prints(
                "100,000 flushed prints", _FLUSHED_PRINTS, worker, client, 1
            )


async def _measure_round_trips(
    repeats: int, worker: Worker, client: native_kernel.BlockingKernelClient
) -> None:
    peer_s = [native_kernel.run_cell(client, "pass")[0] for _ in range(repeats)]
    ours_s = [(await sandbox.run_cell(worker, "pass"))[0] for _ in range(repeats)]
    report("warm cell, worker alone", ours_s, peer_s)
    async with sandbox.open_synced_cells(worker) as run_cell:
        ours_s = [await run_cell("pass") for _ in range(repeats)]
    report("warm cell through the embedded server", ours_s, peer_s)


async def _measure_prints(
    name: str,
    code: str,
    worker: Worker,
    client: native_kernel.BlockingKernelClient,
    repeats: int,
) -> None:
    ours = [await sandbox.run_cell(worker, code) for _ in range(repeats)]
    peers = [native_kernel.run_cell(client, code) for _ in range(repeats)]
    messages = f"messages: {max(n for _, n in ours)} / {max(n for _, n in peers)}"
    report(name, [s for s, _ in ours], [s for s, _ in peers], messages)


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20, help="of quick figures")
    repeats: int = parser.parse_args().repeats
    prepare(WorkerOptions())  # what is fetched once is no part of a start
    print(f"{'':<42}{'runt':>13}{'ipykernel':>13}{'ratio':>10}")
    trio.run(measure_warm, repeats)


if __name__ == "__main__":
    main()
