"""The limits of cells, as commands take them; the real ones, in processes."""

from pathlib import Path

import pytest
from runt_command import runt


@pytest.mark.parametrize(
    ("flag", "value", "code", "named"),
    [
        ("--memory-limit", "512M", "bytes(600_000_000)", "MemoryError"),
        ("--cell-timeout", "0.5", "while True: pass", "0.5 s (--cell-timeout)"),
    ],
)
def test_a_snippet_that_meets_its_limit_fails_and_names_it(
    flag: str, value: str, code: str, named: str
) -> None:
    done = runt("exec", flag, value, code)
    assert done.status == 1
    assert named in done.err


def test_output_is_cut_where_that_was_asked_for_and_whole_otherwise() -> None:
    code = "print('x' * 70_000_000)"
    cut = runt("exec", "--max-output", "1K", code)
    assert (cut.status, cut.out) == (0, "x" * 1024 + "\n")
    assert "more than 1 KB (--max-output)" in cut.err
    assert "69,998,977 bytes of output were left out" in cut.err
    assert len(runt("exec", code).out) == 70_000_001


def test_a_notebook_keeps_what_a_cell_may_show(tmp_path: Path) -> None:
    script, result = tmp_path / "flood.py", tmp_path / "result.ipynb"
    script.write_text("while True: print('x' * 99)\n")
    flags = ["--max-output", "10K", "--cell-timeout", "1.5"]
    done = runt("run", script, "-o", result, *flags)
    assert done.status == 1
    assert 10_000 < len(done.out) < 11_000
    assert "--max-output" in done.err
    assert "1.5 s (--cell-timeout)" in result.read_text()


def test_limits_belong_to_the_agent_that_runs_the_cells() -> None:
    where = ["-s", "ws://127.0.0.1:9", "-n", "x", "-t", "y"]
    done = runt("run", __file__, *where, "--cell-timeout", "5")
    assert done.status == 2
    assert "belong to the agent" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--memory-limit", "1M"],
        ["--memory-limit", "much"],
        ["--cell-timeout", "0"],
        ["--cell-timeout", "nan"],
        ["--max-output", "-1"],
        ["--max-output-rate", "0"],
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(arguments: list[str]) -> None:
    done = runt("exec", *arguments, "1")
    assert done.status == 2
    assert arguments[0] in done.err
