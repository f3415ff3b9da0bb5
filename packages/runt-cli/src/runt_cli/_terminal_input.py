"""Answers `input()` and `getpass()` of a cell at the terminal."""

import os
import sys
import termios
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Final

import trio

from runt_cli._printer import Printer
from runt_worker import InputRequest, OnInput

_LINE_BYTES: Final = 64 * 1024
"""More than a terminal hands out at a time."""
_LOCAL_FLAGS: Final = 3
"""Where termios has them in its list."""


def terminal_input(printer: Printer) -> OnInput | None:
    """Return what asks the user; None if no terminal is there to answer.

    Args:
        printer: Shows the prompts, behind what it has shown so far.
    """
    if not sys.stdin.isatty():
        return None
    descriptor = sys.stdin.fileno()

    async def ask(request: InputRequest) -> str | None:
        with _without_echo(descriptor) if request.password else nullcontext():
            printer.prompt(request.prompt)
            line = await _read_line(descriptor)
        if line is None or request.password:
            printer.end_cell()  # the terminal has not echoed the end of this line
        else:
            printer.line_was_ended()
        return line

    return ask


async def _read_line(descriptor: int) -> str | None:
    """Read a line without holding a thread, so that it can be cancelled."""
    line = b""
    while not line.endswith(b"\n"):
        await trio.lowlevel.wait_readable(descriptor)
        data = os.read(descriptor, _LINE_BYTES)
        if not data:  # Ctrl-D
            break
        line += data
    return line.decode("utf-8", "replace").rstrip("\r\n") if line else None


@contextmanager
def _without_echo(descriptor: int) -> Generator[None]:
    before = termios.tcgetattr(descriptor)
    silent = before.copy()
    silent[_LOCAL_FLAGS] &= ~termios.ECHO
    # What was typed before this was echoed, and is no password.
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
