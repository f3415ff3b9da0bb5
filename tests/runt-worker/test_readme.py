"""The package's README tells the truth."""

import re
from dataclasses import fields
from pathlib import Path

from readme_example import PACKAGES, printed_by_example

import runt_worker
from runt_worker import Limits

README = PACKAGES / "runt-worker" / "README.md"


def test_the_example_runs(tmp_path: Path) -> None:
    printed = printed_by_example("runt-worker", tmp_path)
    lines = printed.splitlines()
    assert lines[:2] == ["ok ['hello\\n']", "[{'text/plain': '42'}]"]
    assert lines[-1] == "JsException ['import']"
    assert "NotCapable" in printed


UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20}


def test_every_limit_stands_there_with_its_default() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+)` \| ([^|]+?) \|", README.read_text("utf-8"), re.MULTILINE
    )
    documented = dict(rows)
    assert list(documented) == [field.name for field in fields(Limits)]
    # Of the machine, and so no number.
    assert documented.pop("memory_bytes") == "half of the machine's, at most 4 GiB"
    for name, text in documented.items():
        default = getattr(Limits(), name)
        if default is None:
            assert text == "None"
        else:
            number, _, unit = text.replace(",", "").partition(" ")
            assert float(number) * UNITS[unit] == default


def test_every_error_stands_there() -> None:
    errors = [name for name in runt_worker.__all__ if name.endswith("Error")]
    text = README.read_text("utf-8")
    assert [name for name in errors if f"`{name}`" not in text] == ["Error"]
