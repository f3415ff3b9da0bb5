"""Measure runt beside a native ipykernel in the same run: ``hatch run bench``.

Every line gives both medians and their ratio; on a noisy machine only the ratio counts.
"""

import argparse
from statistics import median

import native_kernel
import sandbox
import trio

from runt_worker import Worker, WorkerOptions, open_worker, prepare

_PRINTS = "for i in range(100_000): print(i)"
_FLUSHED_PRINTS = "for i in range(100_000): print(i, flush=True)"


def report(name: str, ours_s: list[float], peer_s: list[float], note: str = "") -> None:
    """Print one figure: medians in milliseconds and their ratio."""
    ours, peer = median(ours_s) * 1000, median(peer_s) * 1000
    ratio = ours / peer
    print(f"{name:<42}{ours:>10.1f} ms{peer:>10.1f} ms{ratio:>8.2f} x  {note}")


def measure_cold_start(repeats: int) -> None:
    """Compare from nothing to the first result with a native kernel's readiness."""
    pairs = [
        (sandbox.cold_start_s(), native_kernel.cold_start_s()) for _ in range(repeats)
    ]
    ours, peers = zip(*pairs, strict=True)
    report("cold start to first result", list(ours), list(peers))


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
    measure_cold_start(min(repeats, 5))
    trio.run(measure_warm, repeats)


if __name__ == "__main__":
    main()
