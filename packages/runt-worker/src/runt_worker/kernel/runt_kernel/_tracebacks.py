"""Tracebacks as IPython shows them, without frames of ours, and ``error`` messages."""

import linecache
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from IPython.core import ultratb

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_OWN_CODE = str(Path(__file__).parent)
_MAX_ERROR_CHARACTERS = 100_000
"""Nobody reads more of an exception, and an error has to fit into a frame."""


def install() -> None:
    """Let IPython and Pyodide show exceptions as they do elsewhere."""
    sys.excepthook = print_exception
    # IPython's own reads files only, and shows the wrong line of a module without
    # one; the standard library lies in an archive here.
    ultratb.get_line_number_of_frame = _lines_of_module


def print_exception(
    _etype: type[BaseException], value: BaseException, _tb: TracebackType | None
) -> None:
    """Be ``sys.excepthook``.

    Pyodide, which wants the text of each exception that crosses JavaScript, reads it
    from the file descriptor of standard error, which the cell's stream is not.
    """
    # PyErr_Print, which Pyodide uses, sets it just before.
    is_pyodide = getattr(sys, "last_exc", None) is value
    traceback.print_exception(value, file=sys.__stderr__ if is_pyodide else sys.stderr)


def cut_own_frames(value: BaseException, shown: TracebackType | None) -> None:
    """Leave out where the user's code was in ours, e.g. in a signal handler.

    Args:
        value: the exception; those that it came from or holds are cut as well.
        shown: its traceback, which begins in IPython.
    """
    _cut(shown)
    for exception in _related(value):
        if exception is not value:
            exception.__traceback__ = _first_foreign(exception.__traceback__)
            _cut(exception.__traceback__)


def holds_group(value: BaseException) -> bool:
    """Return whether IPython would show the exception as a group."""
    current: BaseException | None = value
    while current is not None and not isinstance(current, BaseExceptionGroup):
        current = current.__context__
    return current is not None


def error_message(
    etype: type[BaseException], evalue: BaseException, lines: list[str]
) -> dict[str, Any]:
    """Return the ``error`` message of an exception."""
    try:
        text = str(evalue)
    except Exception as error:  # noqa: BLE001 (user code; its failure is the text)
        text = f"<str() of the exception raised {type(error).__name__}>"
    return {
        "msg_type": "error",
        "ename": etype.__name__,
        "evalue": _shortened(text),
        "traceback": [_shortened(line) for line in lines],
    }


def _cut(tb: TracebackType | None) -> None:
    while tb is not None:
        tb.tb_next = _first_foreign(tb.tb_next)
        tb = tb.tb_next


def _first_foreign(tb: TracebackType | None) -> TracebackType | None:
    while tb and tb.tb_frame.f_code.co_filename.startswith(_OWN_CODE):
        tb = tb.tb_next
    return tb


def _related(value: BaseException) -> Iterator[BaseException]:
    """Yield an exception, its causes, and the members of groups among them."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [value]
    while waiting:
        exception = waiting.pop()
        if exception is None or id(exception) in seen:
            continue
        seen.add(id(exception))
        yield exception
        waiting += [exception.__cause__, exception.__context__]
        if isinstance(exception, BaseExceptionGroup):
            waiting += exception.exceptions


def _lines_of_module(frame: FrameType) -> int:
    return len(linecache.getlines(frame.f_code.co_filename, frame.f_globals))


def _shortened(text: str) -> str:
    if len(text) <= _MAX_ERROR_CHARACTERS:
        return text
    return f"{text[:_MAX_ERROR_CHARACTERS]} … ({len(text):,} characters)"
