"""``run_sync``, and ``asyncio.run`` that is built on it, can be interrupted.

While a cell is suspended there, none of its bytecode runs and its task awaits nothing:
neither a signal nor a cancellation of the task would reach it.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import pyodide.ffi
import pyodide.webloop

ResultT = TypeVar("ResultT")


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
