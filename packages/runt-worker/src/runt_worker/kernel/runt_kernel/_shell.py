"""IPython's shell with its outputs turned into messages."""

import sys
from asyncio import CancelledError
from collections.abc import Callable
from pathlib import Path
from traceback import format_exception
from types import TracebackType
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any as AnyTrait
from traitlets import Type

from runt_kernel._bridge import Send

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_OWN_CODE = str(Path(__file__).parent)
_MAX_ERROR_CHARACTERS = 100_000
"""Nobody reads more of an exception, and an error has to fit into a frame."""
_NO_SHELL = "there is no shell in the sandbox: only Python runs here"


class RuntDisplayHook(DisplayHook):
    """Sends the value of a cell's last expression as ``execute_result``."""

    send: Send = AnyTrait()

    def quiet(self) -> bool:
        try:
            return super().quiet()
        except IndexError:  # nothing in the history yet
            return False

    def start_displayhook(self) -> None:
        self._data: tuple[dict[str, Any], dict[str, Any]] = ({}, {})

    def write_output_prompt(self) -> None:
        """The front end writes the prompt."""

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        self._data = (format_dict, md_dict or {})

    def finish_displayhook(self) -> None:
        data, metadata = self._data
        if data:
            self.send(
                {
                    "msg_type": "execute_result",
                    "data": data,
                    "metadata": metadata,
                    "execution_count": self.prompt_count,
                }
            )


class RuntDisplayPublisher(DisplayPublisher):
    """Sends ``display_data``, ``update_display_data`` and ``clear_output``."""

    send: Send = AnyTrait()

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        display_id = (transient or {}).get("display_id")
        message = {
            "msg_type": "update_display_data" if update else "display_data",
            "data": data,
            "metadata": metadata or {},
        }
        if display_id is not None:
            message["display_id"] = str(display_id)
        self.send(message)

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 (IPython's signature)
        self.send({"msg_type": "clear_output", "wait": bool(wait)})


class RuntShell(InteractiveShell):
    """An InteractiveShell without a terminal and without a history file."""

    displayhook_class = Type(RuntDisplayHook)
    display_pub_class = Type(RuntDisplayPublisher)
    send: Send = AnyTrait()
    is_interrupted: Callable[[], bool] = AnyTrait()

    def init_history(self) -> None:
        super().init_history()
        self.history_manager.enabled = False

    def init_displayhook(self) -> None:
        super().init_displayhook()
        self.displayhook.send = self.send

    def init_display_pub(self) -> None:
        super().init_display_pub()
        self.display_pub.send = self.send

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no event loop of a GUI to join; plots are inline."""

    def ask_exit(self) -> None:
        """``exit()`` ends nothing: the kernel belongs to the notebook."""

    def excepthook(
        self,
        etype: type[BaseException],
        value: BaseException,
        tb: TracebackType | None,
    ) -> None:
        # Pyodide calls it for the text of each exception that crosses JavaScript;
        # IPython's would show it, and so twice.
        sys.__excepthook__(etype, value, tb)

    def system(self, cmd: str) -> None:  # noqa: ARG002 (IPython's signature)
        raise OSError(_NO_SHELL)

    system_piped = system_raw = getoutput = system

    def showtraceback(self, exc_tuple: ExcInfo | None = None, **options: Any) -> None:
        """Show an exception; a cell that was interrupted in an await was cancelled."""
        try:
            etype, value, traceback = self._get_exc_info(exc_tuple)
        except ValueError:  # %tb without an exception; IPython says so
            super().showtraceback(exc_tuple, **options)
            return
        _cut_own_frames(traceback)
        if issubclass(etype, CancelledError) and self.is_interrupted():
            etype, value = KeyboardInterrupt, KeyboardInterrupt()
        if _holds_group(value):
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
        self.send(error_message(etype, evalue, stb))


def _cut_own_frames(traceback: TracebackType | None) -> None:
    """Leave out where the user's code was in ours, e.g. in a signal handler."""
    while traceback is not None:
        below = traceback.tb_next
        while below and below.tb_frame.f_code.co_filename.startswith(_OWN_CODE):
            below = below.tb_next
        traceback.tb_next = below
        traceback = below


def _holds_group(value: BaseException | None) -> bool:
    while value is not None and not isinstance(value, BaseExceptionGroup):
        value = value.__context__
    return value is not None


def _cut(text: str) -> str:
    if len(text) <= _MAX_ERROR_CHARACTERS:
        return text
    return f"{text[:_MAX_ERROR_CHARACTERS]} … ({len(text):,} characters)"


def error_message(
    etype: type[BaseException], evalue: BaseException, traceback: list[str]
) -> dict[str, Any]:
    """Return the ``error`` message of an exception."""
    try:
        text = str(evalue)
    except Exception as error:  # noqa: BLE001 (user code; its failure is the text)
        text = f"<str() of the exception raised {type(error).__name__}>"
    return {
        "msg_type": "error",
        "ename": etype.__name__,
        "evalue": _cut(text),
        "traceback": [_cut(line) for line in traceback],
    }
