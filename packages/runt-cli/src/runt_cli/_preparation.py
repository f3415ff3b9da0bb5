"""Fetches what the sandbox needs, and shows that, if it takes a while.

The first time on a machine tens of megabytes come over the network; every other time
all is there, and nothing is shown.
"""

import sys
from collections import deque
from functools import partial
from typing import Final

import trio

from runt_worker import WorkerOptions, prepare

_QUIET_S: Final = 0.5
"""What takes less than this needs no explanation."""
_REFRESH_S: Final = 0.1


async def prepare_sandbox(options: WorkerOptions) -> int:
    """Fetch what is missing, and tell standard error about it.

    Args:
        options: Where things are kept and where they come from.

    Returns:
        How many things were looked at.

    Raises:
        SetupError: Pyodide cannot be had.
        PackageError: A package that the sandbox needs cannot be had.
    """
    lines: deque[str] = deque()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_show, lines)
        # A download does not notice a cancellation; nobody should wait for it.
        await trio.to_thread.run_sync(
            partial(prepare, options, lines.append), abandon_on_cancel=True
        )
        nursery.cancel_scope.cancel()
    return len(lines)


async def _show(lines: deque[str]) -> None:
    await trio.sleep(_QUIET_S)
    if sys.stderr.isatty():
        await _draw(lines)
    else:
        await _log(lines)


async def _draw(lines: deque[str]) -> None:
    # rich takes 0.1 s to import: only where something is drawn.
    from rich.console import Console  # noqa: PLC0415
    from rich.status import Status  # noqa: PLC0415

    with Status("", console=Console(stderr=True)) as status:
        while True:
            if lines:
                status.update(f"Fetching what the sandbox needs: {lines[-1]}")
            await trio.sleep(_REFRESH_S)


async def _log(lines: deque[str]) -> None:
    shown = 0
    while True:
        for line in list(lines)[shown:]:
            sys.stderr.write(f"Fetching what the sandbox needs: {line}\n")
            shown += 1
        await trio.sleep(_REFRESH_S)
