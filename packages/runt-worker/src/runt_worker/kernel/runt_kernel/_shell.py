"""IPython's shell, without a terminal: what it shows goes out as messages."""

import os
from asyncio import CancelledError
from collections.abc import Callable
from traceback import format_exception
from types import TracebackType
from typing import Any, NoReturn

from IPython.core import page
from IPython.core.autocall import ExitAutocall
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any as AnyTrait
from traitlets import Type, default

from runt_kernel import _magics
from runt_kernel._absent import NO_DEBUGGER, NO_SHELL, explain
from runt_kernel._bridge import Send
from runt_kernel._displays import RuntDisplayHook, RuntDisplayPublisher
from runt_kernel._tracebacks import (
    ExcInfo,
    cut_own_frames,
    error_message,
    holds_group,
    print_exception,
)

_ENVIRONMENT = {
    # As under ipykernel: colours are wanted, a pager cannot be used.
    "TERM": "xterm-color",
    "FORCE_COLOR": "1",
    "CLICOLOR": "1",
    "CLICOLOR_FORCE": "1",
    "PAGER": "cat",
    # As plotly chooses it under ipykernel, which it knows by the module of the shell.
    # Its other choice puts 4 MB of JavaScript into the notebook.
    "PLOTLY_RENDERER": "plotly_mimetype",
}
_WINDOWS_AND_WIDGETS = {
    *("gtk", "gtk3", "gtk4", "osx", "qt", "qt4", "qt5", "qt6", "tk", "wx"),
    *("gtk3agg", "gtk4agg", "macosx", "qtagg", "qt5agg", "tkagg", "wxagg"),
    *("ipympl", "nbagg", "notebook", "webagg", "widget"),
}


class CellExit(BaseException):
    """Ends the cell that called ``exit()``, and nothing else."""


class _Exit(ExitAutocall):
    """``exit`` and ``quit``; a status means nothing to a notebook."""

    def __call__(self, *_status: object) -> None:
        super().__call__()


class RuntShell(InteractiveShell):
    """An InteractiveShell without a terminal and without a history file.

    Attributes:
        failed_display: what went wrong when the last value of the cell was shown.
    """

    displayhook_class = Type(RuntDisplayHook)
    display_pub_class = Type(RuntDisplayPublisher)
    send: Send = AnyTrait()
    is_interrupted: Callable[[], bool] = AnyTrait()
    failed_display: BaseException | None = None

    # -- what IPython sets up

    def init_environment(self) -> None:
        os.environ.update(_ENVIRONMENT)
        for name in ("_", "PWD"):  # of the process around this interpreter
            os.environ.pop(name, None)

    def init_history(self) -> None:
        super().init_history()
        self.history_manager.enabled = False

    def init_displayhook(self) -> None:
        super().init_displayhook()
        self.displayhook.send = self.send

    def init_display_pub(self) -> None:
        super().init_display_pub()
        self.display_pub.send = self.send

    def init_hooks(self) -> None:
        super().init_hooks()
        self.set_hook("show_in_pager", page.as_hook(self._show_pages), 99)

    def init_alias(self) -> None:
        super().init_alias()
        # Each asks a shell. Some of our magics take their names.
        self.alias_manager.clear_aliases()
        self.alias_manager.default_aliases = []
        _magics.register(self)

    @default("exiter")
    def _exiter_default(self) -> _Exit:
        return _Exit(self)

    # -- what a cell shows

    def _show_pages(self, data: str | dict[str, Any], *_: object, **__: object) -> None:
        bundle = {"text/plain": data} if isinstance(data, str) else data
        self.display_pub.publish(bundle)

    def set_next_input(self, s: str, replace: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 (IPython's signature)
        """Show what a notebook in Jupyter would put into a cell."""
        self.display_pub.publish({"text/plain": s})

    def excepthook(
        self,
        etype: type[BaseException],
        value: BaseException,
        tb: TracebackType | None,
    ) -> None:
        print_exception(etype, value, tb)

    def showtraceback(self, exc_tuple: ExcInfo | None = None, **options: Any) -> None:
        """Show an exception; a cell that was interrupted in an await was cancelled."""
        try:
            etype, value, traceback = self._get_exc_info(exc_tuple)
        except ValueError:  # %tb without an exception; IPython says so
            super().showtraceback(exc_tuple, **options)
            return
        if issubclass(etype, CellExit):
            return
        cut_own_frames(value, traceback)
        explain(value)
        if issubclass(etype, CancelledError) and self.is_interrupted():
            etype, value = KeyboardInterrupt, KeyboardInterrupt()
        if holds_group(value):
            # IPython would print it to stderr, from its own frame on.
            below = traceback.tb_next if traceback else None
            self._showtraceback(etype, value, format_exception(etype, value, below))
        else:
            super().showtraceback((etype, value, traceback), **options)

    def _format_exception_for_storage(
        self, exception: BaseException, *_: object, **__: object
    ) -> dict[str, Any]:
        # Formatting costs as much as running many a cell, IPython's own fails on an
        # exception without a str(), and without a history file nobody reads it.
        return error_message(type(exception), exception, [])

    def _showtraceback(
        self, etype: type, evalue: BaseException, stb: list[str]
    ) -> None:
        if self.displayhook.is_active:
            self.failed_display = evalue
        self.send(error_message(etype, evalue, stb))

    # -- what is not there

    def ask_exit(self) -> None:
        """End the cell; the kernel belongs to the notebook."""
        raise CellExit

    def system(self, cmd: str) -> NoReturn:
        """Refuse a command, and name the magic that does the same if there is one."""
        program = _program(cmd)
        if program in _magics.WITHOUT_SHELL:
            raise OSError(f"{NO_SHELL} (%{program} does this without one)")
        raise OSError(NO_SHELL)

    system_piped = system_raw = system

    def getoutput(self, cmd: str, *_: object, **__: object) -> NoReturn:
        self.system(cmd)

    def debugger(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 (IPython's signature)
        if force:
            raise UsageError(NO_DEBUGGER)

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no event loop of a GUI to join; plots are inline."""
        if gui not in {None, "inline"}:
            raise UsageError(f"there are no windows in the sandbox: {gui} has no place")

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str | None, str]:
        """Show figures below the cell, or nowhere."""
        if gui in {None, "auto"}:
            gui = "inline"
        if gui and gui.lower() in _WINDOWS_AND_WIDGETS:
            raise UsageError(
                f"there are no windows and no widgets in the sandbox, so {gui} has no "
                "place: %matplotlib inline shows figures below the cell"
            )
        return super().enable_matplotlib(gui)


# Programs tell a notebook from a terminal by this name, among them rich and pandas.
RuntShell.__name__ = RuntShell.__qualname__ = "ZMQInteractiveShell"


def _program(cmd: str) -> str:
    """Return the program that a command calls; it is pip in ``python -m pip``, too."""
    words = cmd.split()
    if "-m" in words[:2]:
        words = words[words.index("-m") + 1 :]
    return words[0] if words else ""
