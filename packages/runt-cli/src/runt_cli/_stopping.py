"""Signals that stop a command, turned into cancellation, so that it ends in good order.

SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal is gone) all mean the same. The first
one cancels; a second one ends the process at once, for whoever has waited enough.
"""

import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNALLED: Final = 128
"""Shells report a program that a signal ended by this number plus the signal's."""


class Stop:
    """Whether and how a command was told to stop.

    Attributes:
        scope: Cancelled by the first signal. The command enters it around what is to
            end then, and leaves outside what that needs for its own good end.
        signal: The first signal; None while none has come.
    """

    def __init__(self) -> None:
        """Begin without a signal."""
        self.scope = trio.CancelScope()
        self.signal: int | None = None

    @property
    def exit_status(self) -> int:
        """The exit status of a command that the signal kept from finishing."""
        return _SIGNALLED + (self.signal or 0)


@asynccontextmanager
async def stop_on_signals() -> AsyncGenerator[Stop]:
    """Listen for the signals that stop a command while the block runs.

    Yields:
        What tells of them; its scope is not entered yet.

    Raises:
        RuntimeError: The caller is not in the main thread, which alone gets signals.
    """
    stop = Stop()
    with trio.open_signal_receiver(*_STOP_SIGNALS) as received:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_listen, received, stop)
            yield stop
            nursery.cancel_scope.cancel()


async def _listen(received: AsyncIterator[int], stop: Stop) -> None:
    async for number in received:
        if stop.signal is None:
            stop.signal = number
            stop.scope.cancel()
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
