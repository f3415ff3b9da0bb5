"""The package's README tells the truth."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import runt_worker
from runt_worker import Limits

README = Path(__file__).parents[2] / "packages" / "runt-worker" / "README.md"


def test_the_example_runs() -> None:
    [example] = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    printed = finished.stdout.splitlines()
    assert printed[:2] == ["ok ['hello\\n']", "[{'text/plain': '42'}]"]
    assert printed[-1] == "JsException ['import']"
    assert "NotCapable" in finished.stdout


def test_every_limit_stands_there_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| ([\d.]+)", README.read_text("utf-8"), re.MULTILINE)
    )
    scale = {"max_frame_bytes": 2**20, "stderr_bytes": 2**10}
    documented = {name: float(text) * scale.get(name, 1) for name, text in rows.items()}
    assert documented == {field.name: field.default for field in fields(Limits)}


def test_every_error_stands_there() -> None:
    errors = [name for name in runt_worker.__all__ if name.endswith("Error")]
    text = README.read_text("utf-8")
    assert [name for name in errors if f"`{name}`" not in text] == ["Error"]
