"""Signals that stop a command, turned into cancellation, so that it ends in good order.

SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal is gone) all mean the same. The first
one cancels; a second one ends the process at once, for whoever has waited enough.
"""

import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import trio

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNALLED: Final = 128
"""Shells report a program that a signal ended by this number plus the signal's."""


class Stop:
    """Whether and how a command was told to stop.

    Attributes:
        signal: The first signal; None while none has come.
    """

    def __init__(self) -> None:
        """Begin without a signal."""
        self.signal: int | None = None
        self._scopes: list[trio.CancelScope] = []

    @property
    def exit_status(self) -> int:
        """The exit status of a command that the signal kept from finishing."""
        return _SIGNALLED + (self.signal or 0)

    def request(self, number: int) -> None:
        """Cancel every scope, those yet to come included.

        Args:
            number: The signal that wants it.
        """
        self.signal = number
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def scope(self) -> Generator[trio.CancelScope]:
        """Cancel the block when the command is told to stop.

        What has to live on for a good end stays outside, or shields itself.

        Yields:
            The scope around the block.
        """
        with trio.CancelScope() as scope:
            self._scopes.append(scope)
            if self.signal is not None:
                scope.cancel()
            try:
                yield scope
            finally:
                self._scopes.remove(scope)


@asynccontextmanager
async def stop_on_signals() -> AsyncGenerator[Stop]:
    """Listen for the signals that stop a command while the block runs.

    Yields:
        What tells of them.

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
            stop.request(number)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
