# /// script
# requires-python = ">=3.11"
# dependencies = ["uv", "pypi-simple"]
# ///
"""Write kernel_lock.json: IPython and what it needs in Pyodide, pinned by hash.

Run it to move to newer versions, then run the tests:

    uv run packages/runt-worker/scripts/lock_kernel.py

uv resolves for Pyodide's platform; only pure wheels are taken. The file names neither
address nor host: whoever serves these bytes may serve them.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from pypi_simple import DistributionPackage, PyPISimple

PYTHON_VERSION = "3.14"
PLATFORM = "wasm32-pyodide2025"
ROOTS = ("ipython",)
TARGET = Path(__file__).parents[1] / "src" / "runt_worker" / "kernel_lock.json"


def main() -> None:
    """Resolve, pin and write."""
    with PyPISimple() as index:
        pins = [
            pin(pure_wheel(index, name, version)) for name, version in resolve(ROOTS)
        ]
    TARGET.write_text(json.dumps({"packages": pins}, indent=2) + "\n", "utf-8")


def resolve(roots: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return names and versions of the roots and all that they need."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet"),
        *("--python-version", PYTHON_VERSION, "--python-platform", PLATFORM),
        *("--only-binary", ":all:", "--no-header", "--no-annotate"),
    ]
    resolved = subprocess.run(
        command, input="\n".join(roots), text=True, check=True, stdout=subprocess.PIPE
    )
    return re.findall(r"^([\w.-]+)==(\S+)", resolved.stdout, re.MULTILINE)


def pure_wheel(index: PyPISimple, name: str, version: str) -> DistributionPackage:
    """Return the wheel of one version that runs everywhere."""
    for file in index.get_project_page(name).packages:
        if file.version == version and file.filename.endswith("-none-any.whl"):
            return file
    raise SystemExit(f"{name} {version} has no pure wheel")


def pin(wheel: DistributionPackage) -> dict[str, str | None]:
    """Return an entry of the lock file."""
    name = re.sub(r"[-_.]+", "-", wheel.project or "").lower()
    return {
        "name": name,
        "version": wheel.version,
        "file_name": wheel.filename,
        "sha256": wheel.digests["sha256"],
    }


if __name__ == "__main__":
    main()
