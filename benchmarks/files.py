"""Measure mounts beside NODEFS and native Python: ``hatch run bench-files``.

Every line gives seconds and ratios from one run; on a noisy machine only ratios count.
"""

import argparse
import json
import runpy
import subprocess
import tempfile
import time
from pathlib import Path

import trio

from runt_worker import (
    Assets,
    HostMount,
    Output,
    Stream,
    WorkerOptions,
    open_worker,
    prepare,
)

_HERE = Path(__file__).parent
_WORKLOADS = _HERE / "file_workloads.py"
_MIB = 1 << 20


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


def program(root: str, mebibytes: int, *, with_pandas: bool) -> str:
    """Return the code that measures and ends in a JSON text."""
    call = f"measure({root!r}, {mebibytes})"
    if with_pandas:
        call = f"{{**{call}, **measure_pandas({root!r})}}"
    return f"{_WORKLOADS.read_text()}\nimport json\njson.dumps({call})\n"


def measure_native(root: Path, mebibytes: int) -> dict[str, float]:
    """Run the workloads in this Python."""
    workloads = runpy.run_path(str(_WORKLOADS))
    return workloads["measure"](str(root), mebibytes)


def measure_nodefs(assets: Assets, root: Path, mebibytes: int) -> dict[str, float]:
    """Run the workloads in a plain Pyodide with NODEFS."""
    packages = assets.packages.ensure(["pandas"])
    view = next(iter(assets.kernel_packages)).parent / "deno" / "package_view.ts"
    with tempfile.NamedTemporaryFile("w", suffix=".py") as code:
        code.write(program("/mounted", mebibytes, with_pandas=True))
        code.flush()
        finished = subprocess.run(
            [
                *(str(assets.installation.deno), "run", "--allow-all", "--no-config"),
                *(
                    str(_HERE / "nodefs.ts"),
                    str(assets.installation.distribution),
                    str(view),
                ),
                *(str(root), code.name),
                *(str(package.path) for package in packages),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(finished.stdout.splitlines()[-1])


async def measure_mount(options: WorkerOptions, mebibytes: int) -> dict[str, float]:
    """Run the workloads in a worker with the directory mounted."""
    outputs: list[Output] = []
    async with open_worker(options) as worker:
        guest = "'/mnt/' + __import__('os').listdir('/mnt')[0]"
        code = program("ROOT", mebibytes, with_pandas=True).replace("'ROOT'", guest)
        code = code.replace("json.dumps(", "print(json.dumps(").rstrip() + ")"
        reply = await worker.execute(code, outputs.append)
    text = "".join(output.text for output in outputs if isinstance(output, Stream))
    if reply.status != "ok":
        raise RuntimeError(f"the workloads failed in the sandbox: {reply}")
    return json.loads(text)


async def start_s(options: WorkerOptions) -> float:
    """Return how long a worker takes to start."""
    started = time.perf_counter()
    async with open_worker(options):
        return time.perf_counter() - started


def report(
    ours: dict[str, float], nodefs: dict[str, float], native: dict[str, float]
) -> None:
    """Print a line for each workload."""
    print(f"{'':<32}{'mount':>10}{'NODEFS':>10}{'ratio':>8}{'native':>10}{'ratio':>8}")
    for name, seconds in ours.items():
        line = f"{name:<32}{seconds:>8.3f} s{nodefs[name]:>8.3f} s"
        line += f"{seconds / nodefs[name]:>7.2f}x"
        if name in native:
            line += f"{native[name]:>8.3f} s{seconds / native[name]:>7.1f}x"
        print(line)


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=1024, help="of the large file")
    parser.add_argument("--table", type=int, default=200, help="MiB of the CSV file")
    arguments = parser.parse_args()
    assets = prepare(WorkerOptions())
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        empty = root / "empty"
        tree = root / "tree"
        empty.mkdir()
        tree.mkdir()
        prepare_tree(tree, arguments.table)
        mounted = WorkerOptions(mounts=(HostMount(host_path=tree, allow_writes=True),))
        bare = WorkerOptions(mounts=(HostMount(host_path=empty),))
        starts = [
            (trio.run(start_s, bare), trio.run(start_s, mounted)) for _ in range(3)
        ]
        growth = min(with_files - without for without, with_files in starts)
        print(f"start with 12,000 files against none: {growth * 1000:+.0f} ms")
        ours = trio.run(measure_mount, mounted, arguments.mebibytes)
        nodefs = measure_nodefs(assets, tree, arguments.mebibytes)
        native = measure_native(tree, arguments.mebibytes)
        report(ours, nodefs, native)


if __name__ == "__main__":
    main()
