"""Signals as cancellation, so that a program ends in good order."""

import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from runt_worker import open_flat_nursery

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def cancel_on_signals() -> AsyncGenerator[trio.CancelScope]:
    """Cancel the block at the first SIGINT or SIGTERM.

    Further signals change nothing: whatever ends below is bounded in time by itself.
    Only the main thread receives signals.

    Yields:
        The scope around the block; `cancelled_caught` tells afterwards whether a
        signal ended it.

    Raises:
        RuntimeError: The caller is not in the main thread.
    """
    with trio.open_signal_receiver(*_STOP_SIGNALS) as signals:
        async with open_flat_nursery() as nursery:
            scope = trio.CancelScope()
            nursery.start_soon(_cancel_at_first, signals, scope)
            with scope:
                yield scope
            nursery.cancel_scope.cancel()


async def _cancel_at_first(
    signals: AsyncIterator[int], scope: trio.CancelScope
) -> None:
    async for _ in signals:
        scope.cancel()
