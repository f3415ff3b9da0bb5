"""The example in a package's README, as somebody who reads it would try it."""

import re
import subprocess
import sys
from pathlib import Path

PACKAGES = Path(__file__).parents[2] / "packages"


def block_of(package: str, language: str) -> str:
    """Give the first block of a language in a package's README."""
    text = (PACKAGES / package / "README.md").read_text("utf-8")
    [block, *_] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return block


def printed_by_example(package: str, folder: Path) -> str:
    """Run the example in a process of its own, and give what it prints.

    Args:
        package: Whose README it is.
        folder: Where it is run.
    """
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", block_of(package, "python")],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
