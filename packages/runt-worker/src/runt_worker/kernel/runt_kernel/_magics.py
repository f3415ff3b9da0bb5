"""Magics that IPython leaves to a terminal, to a shell or to ipykernel."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from IPython.core import page
from IPython.core.display_functions import clear_output
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class
from IPython.utils import openpy

from runt_kernel._absent import NO_DEBUGGER, no_processes, no_shell
from runt_kernel._file_magics import FileMagics
from runt_kernel._pip_magic import PipMagics

_SHELLS = ("script", "sh", "bash")
_PROGRAMS = ("perl", "ruby", "python", "python2", "python3", "pypy")
WITHOUT_SHELL = {
    *("cat", "cp", "less", "ls", "mkdir", "more", "mv", "rm", "rmdir"),
    *("cd", "env", "pip", "pwd"),
}
"""Magics that do what the program of the same name would do."""

_OFF = ("0", "off", "false")
_REFUSED = {
    "autosave": "a notebook's changes are kept at once: there is nothing to save",
    "connect_info": "the sandbox listens to nobody: there is nothing to connect to",
    "edit": "there is no editor in the sandbox: %load shows a file, %%writefile "
    "writes one",
    "qtconsole": "there are no windows in the sandbox",
}


@magics_class
class RuntMagics(Magics):
    """Those that show something, and those that cannot be had."""

    @line_magic
    def less(self, line: str) -> None:
        """Show a file; Python is highlighted."""
        if not line:
            raise UsageError("Missing filename.")
        if line.endswith(".py"):
            text = openpy.read_py_file(line, skip_encoding_cookie=False)
            page.page(self.shell.pycolorize(text))
        else:
            page.page(Path(line).read_text(encoding="utf-8"))

    more = line_magic("more")(less)

    @line_magic
    def clear(self, _line: str) -> None:
        """Clear the output of the cell."""
        clear_output()

    @line_magic
    def man(self, _line: str) -> None:
        """There are no manual pages."""
        no_shell()

    @line_cell_magic
    def debug(self, _line: str, _cell: str | None = None) -> None:
        """There is no debugger."""
        raise UsageError(NO_DEBUGGER)

    @line_magic
    def pdb(self, line: str) -> None:
        """There is no debugger that an exception could start."""
        if line.strip().lower() not in _OFF:
            raise UsageError(NO_DEBUGGER)


def register(shell: InteractiveShell) -> None:
    """Add the magics of this package, in the place of IPython's where it has them."""
    shell.register_magics(RuntMagics, FileMagics, PipMagics)
    for name, reason in _REFUSED.items():
        refusing = _refusing(name, _explaining(reason))
        shell.register_magic_function(refusing, "line", name)
    for name in _SHELLS:
        shell.register_magic_function(_refusing(name, no_shell), "cell", name)
    for name in _PROGRAMS:
        shell.register_magic_function(_refusing(name, no_processes), "cell", name)


def _refusing(name: str, refuse: Callable[[], NoReturn]) -> Callable[..., NoReturn]:
    def magic(*_: str) -> NoReturn:
        refuse()

    magic.__name__ = magic.__qualname__ = name
    magic.__doc__ = f"The sandbox has nothing for ``{name}`` to work with."
    return magic


def _explaining(reason: str) -> Callable[[], NoReturn]:
    def refuse() -> NoReturn:
        raise UsageError(reason)

    return refuse
