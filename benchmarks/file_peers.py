"""The peers of a mount: NODEFS, a copy in memory, and native Python."""

import json
import runpy
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runt_worker import Assets

_HERE = Path(__file__).parent
_TIMEOUT_S = 900.0

WORKLOADS = _HERE / "file_workloads.py"
GUEST_ROOT = "/mounted"

Seconds = dict[str, float]
"""By workload."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What a start costs more with a directory than without.

    Attributes:
        milliseconds: of time.
        mebibytes: of resident memory.
    """

    milliseconds: float
    mebibytes: float


def program(root: str, mebibytes: int, *, with_pandas: bool) -> str:
    """Return the code that measures and ends in a JSON text."""
    call = f"measure({root!r}, {mebibytes})"
    if with_pandas:
        call = f"{{**{call}, **measure_pandas({root!r})}}"
    return f"{WORKLOADS.read_text()}\nimport json\njson.dumps({call})\n"


def measure_native(root: Path, mebibytes: int) -> Seconds:
    """Run the workloads in this Python."""
    workloads = runpy.run_path(str(WORKLOADS))
    return workloads["measure"](str(root), mebibytes)


def measure_pyodide(assets: Assets, kind: str, root: Path, mebibytes: int) -> Seconds:
    """Run the workloads in a plain Pyodide, by ``nodefs`` or by ``copy``."""
    packages = [str(package.path) for package in assets.packages.ensure(["pandas"])]
    code = program(GUEST_ROOT, mebibytes, with_pandas=True)
    return json.loads(_run(assets, kind, root, code, packages)["result"])


def measure_start(assets: Assets, kind: str, root: Path) -> Growth:
    """Return what seeing this directory costs a plain Pyodide before any cell."""
    return Growth(**_run(assets, kind, root, "''", [])["mounting"])


def _run(
    assets: Assets, kind: str, root: Path, source: str, packages: list[str]
) -> dict[str, Any]:
    view = next(iter(assets.kernel_packages)).parent / "deno" / "package_view.ts"
    with tempfile.NamedTemporaryFile("w", suffix=".py") as code:
        code.write(source)
        code.flush()
        finished = subprocess.run(
            [
                *(str(assets.installation.deno), "run", "--allow-all", "--no-config"),
                *(
                    str(_HERE / "file_peers.ts"),
                    kind,
                    str(assets.installation.distribution),
                ),
                *(str(view), str(root), code.name, *packages),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=_TIMEOUT_S,
        )
    return json.loads(finished.stdout.splitlines()[-1])
