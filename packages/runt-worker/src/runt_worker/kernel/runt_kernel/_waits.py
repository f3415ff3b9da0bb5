"""What waits, and how it can be interrupted.

While a cell is suspended in ``run_sync``, or in ``asyncio.run`` that is built on it,
none of its bytecode runs and its task awaits nothing: neither a signal nor a
cancellation of the task would reach it.
"""

import asyncio
from collections.abc import Awaitable
from types import FrameType
from typing import TypeVar

import pyodide.ffi
import pyodide.webloop

ResultT = TypeVar("ResultT")


_LOOP_FILES = {
    function.__code__.co_filename
    for function in (pyodide.webloop.WebLoop.call_later, asyncio.Handle._run)  # noqa: SLF001
}


def is_between_steps(frame: FrameType | None) -> bool:
    """Return whether the event loop itself runs, though on behalf of a task.

    An exception there would reach no code of the task, and the task would never run
    again: what is lost is the call that schedules its next step.
    """
    while frame is not None and frame.f_code.co_filename in _LOOP_FILES:
        if frame.f_code.co_name == "run_handle":
            return True
        frame = frame.f_back
    return False


class _Wait:
    def __init__(self, future: asyncio.Future[object]) -> None:
        self.future = future
        self.is_interrupted = False


class SyncWaits:
    """What is waited for in ``run_sync`` right now."""

    def __init__(self) -> None:
        self._waits: list[_Wait] = []

    def install(self) -> None:
        """Replace ``run_sync`` wherever it is called from."""
        block = pyodide.ffi.run_sync

        def run_sync(awaitable: Awaitable[ResultT], /) -> ResultT:
            """Block until an awaitable is resolved."""
            wait = _Wait(asyncio.ensure_future(awaitable))
            self._waits.append(wait)
            try:
                return block(wait.future)
            except asyncio.CancelledError:
                if wait.is_interrupted:
                    raise KeyboardInterrupt from None
                raise
            finally:
                self._waits.remove(wait)

        pyodide.ffi.run_sync = pyodide.webloop.run_sync = run_sync

    def interrupt(self) -> bool:
        """Raise KeyboardInterrupt in the innermost one; return whether there is one."""
        if not self._waits:
            return False
        wait = self._waits[-1]
        wait.is_interrupted = True
        wait.future.cancel()
        return True
