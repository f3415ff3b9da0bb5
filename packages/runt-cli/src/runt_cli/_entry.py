"""The way into the command: first the sandbox starts, then the rest is imported.

Where a result is waited for, the sandbox needs about as long as the imports of the
command line, and both have a processor of their own.
"""

import importlib
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runt_worker import LaunchedProcess

_WAITED_FOR = ("exec", "console")
_HELP = {"-h", "--help"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What stands behind `runt`; None: the process's own.

    Returns:
        The exit status: 0, 1 if a cell raised, 2 if the work could not be started, 130
        after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    with _sandbox_ahead(words) as launched:
        command_line = importlib.import_module("runt_cli._main")
        return command_line.run(words, launched)


@contextmanager
def _sandbox_ahead(words: Sequence[str]) -> "Generator[LaunchedProcess | None]":
    if not words or words[0] not in _WAITED_FOR or _HELP.intersection(words):
        yield None
        return
    from runt_worker import launch_early  # noqa: PLC0415 - help needs none of it

    with launch_early() as launched:
        yield launched
