"""Measure mounts beside NODEFS, a copy and native Python: ``hatch run bench-files``.

All of it is measured in one run, in turns, and the best of each is kept; on a noisy
machine only ratios count.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import file_peers
import trio
from file_peers import Growth, Seconds

from runt_worker import (
    Assets,
    HostMount,
    Output,
    Stream,
    WorkerOptions,
    open_worker,
    prepare,
)

_MIB = 1 << 20
_TIMEOUT_S = 900.0
_LARGE_FILES = 50_000
_LARGE_BYTES = 10 * 1024**3
_COPIED_MIB = 200


def prepare_tree(root: Path, table_mebibytes: int) -> None:
    """Make the files that the workloads read."""
    for name, count in (("many", 10_000), ("small", 2_000)):
        for number in range(count):
            directory = root / name / (str(number // 100) if name == "many" else "")
            directory.mkdir(parents=True, exist_ok=True)
            (directory / f"{number}.txt").write_bytes(b"x" * 100)
    row = "".join(f"{number}.25," for number in range(12)) + "some text\n"
    with (root / "table.csv").open("w") as file:
        file.write(",".join("abcdefghijklm") + "\n")
        for _ in range(table_mebibytes * _MIB // len(row)):
            file.write(row)


def prepare_large_tree(root: Path) -> None:
    """Make 50,000 files of 10 GiB in all. They are sparse, and take no disk."""
    for number in range(_LARGE_FILES):
        directory = root / str(number // 1000)
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / str(number)).open("wb") as file:
            file.truncate(_LARGE_BYTES // _LARGE_FILES)


async def measure_mount(options: WorkerOptions, mebibytes: int) -> Seconds:
    """Run the workloads in a worker with the directory mounted."""
    outputs: list[Output] = []
    with trio.fail_after(_TIMEOUT_S):
        async with open_worker(options) as worker:
            guest = "'/mnt/' + __import__('os').listdir('/mnt')[0]"
            code = file_peers.program("ROOT", mebibytes, with_pandas=True)
            code = code.replace("'ROOT'", guest)
            code = code.replace("json.dumps(", "print(json.dumps(").rstrip() + ")"
            reply = await worker.execute(code, outputs.append)
    text = "".join(output.text for output in outputs if isinstance(output, Stream))
    if reply.status != "ok":
        raise RuntimeError(f"the workloads failed in the sandbox: {reply}")
    return json.loads(text)


async def start(options: WorkerOptions) -> Growth:
    """Return how long a worker takes to start, and how large both processes are."""
    started = time.perf_counter()
    with trio.fail_after(_TIMEOUT_S):
        async with open_worker(options) as worker:
            elapsed = time.perf_counter() - started
            size = sum(resident_mebibytes(pid) for pid in (worker.pid, os.getpid()))
    return Growth(milliseconds=elapsed * 1000, mebibytes=size)


def resident_mebibytes(pid: int) -> float:
    """Return the resident memory of a process (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def measure_start(without: WorkerOptions, mounted: WorkerOptions) -> Growth:
    """Compare starts in turns."""
    pairs = [(trio.run(start, without), trio.run(start, mounted)) for _ in range(9)]
    before, after = (best_growth(list(starts)) for starts in zip(*pairs, strict=True))
    return Growth(
        milliseconds=after.milliseconds - before.milliseconds,
        mebibytes=median(b.mebibytes - a.mebibytes for a, b in pairs),
    )


def report_starts(assets: Assets, base: Path) -> None:
    """Print what a directory costs at the start, by its size."""
    empty, large, copied = (base / name for name in ("empty", "large", "copied"))
    for directory in (empty, large, copied):
        directory.mkdir()
    prepare_large_tree(large)
    (copied / "data").write_bytes(os.urandom(_MIB) * _COPIED_MIB)
    without = WorkerOptions(mounts=(HostMount(host_path=empty),))
    mounted = WorkerOptions(mounts=(HostMount(host_path=large),))
    nodefs = [file_peers.measure_start(assets, "nodefs", large) for _ in range(3)]
    copy = [file_peers.measure_start(assets, "copy", copied) for _ in range(3)]
    print(f"{'a start grows by':<40}{'time':>12}{'memory':>14}")
    report_growth(
        "mount of 50,000 files, 10 GiB, to empty", measure_start(without, mounted)
    )
    report_growth("NODEFS of the same, to none", best_growth(nodefs))
    report_growth(f"copy of {_COPIED_MIB} MiB, to none", best_growth(copy))
    per_mebibyte = Growth(
        milliseconds=best_growth(copy).milliseconds / _COPIED_MIB,
        mebibytes=best_growth(copy).mebibytes / _COPIED_MIB,
    )
    report_growth("    by MiB", per_mebibyte)


def best_growth(found: list[Growth]) -> Growth:
    """Return the smallest time and its memory."""
    return min(found, key=lambda growth: growth.milliseconds)


def report_growth(name: str, growth: Growth) -> None:
    """Print one line."""
    time_ms, memory_mib = growth.milliseconds, growth.mebibytes
    print(f"{name:<40}{time_ms:>+9.1f} ms{memory_mib:>+10.1f} MiB")


def best(measures: dict[str, Callable[[], Seconds]], rounds: int) -> list[Seconds]:
    """Take turns, and return the best of each workload for each peer."""
    found: dict[str, Seconds] = {name: {} for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            for workload, seconds in measure().items():
                known = found[name].get(workload, seconds)
                found[name][workload] = min(known, seconds)
    return list(found.values())


def report(ours: Seconds, peers: dict[str, Seconds]) -> None:
    """Print a line for each workload."""
    print(f"{'':<30}{'mount':>10}" + "".join(f"{name:>10}{'':>7}" for name in peers))
    for name, seconds in ours.items():
        line = f"{name:<30}{seconds:>8.3f} s"
        for peer in peers.values():
            if name in peer:
                line += f"{peer[name]:>8.3f} s{seconds / peer[name]:>6.2f}x"
            else:
                line += " " * 17
        print(line)


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=1024, help="of the large file")
    parser.add_argument("--table", type=int, default=200, help="MiB of the CSV file")
    parser.add_argument("--rounds", type=int, default=2, help="of all workloads")
    parser.add_argument("--no-start", action="store_true", help="leave starts out")
    arguments = parser.parse_args()
    assets = prepare(WorkerOptions())
    size = arguments.mebibytes
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        if not arguments.no_start:
            report_starts(assets, base)
        tree = base / "tree"
        tree.mkdir()
        prepare_tree(tree, arguments.table)
        mounted = WorkerOptions(mounts=(HostMount(host_path=tree, allow_writes=True),))
        ours, nodefs, copy, native = best(
            {
                "mount": lambda: trio.run(measure_mount, mounted, size),
                "nodefs": lambda: file_peers.measure_pyodide(
                    assets, "nodefs", tree, size
                ),
                "copy": lambda: file_peers.measure_pyodide(assets, "copy", tree, size),
                "native": lambda: file_peers.measure_native(tree, size),
            },
            arguments.rounds,
        )
        report(ours, {"NODEFS": nodefs, "copy": copy, "native": native})


if __name__ == "__main__":
    main()
