"""Fetches what the sandbox needs, and shows that, if it takes a while.

The first time on a machine tens of megabytes come over the network; every other time
all is there, and nothing is shown.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Final

import click
import trio

from runt_worker import Assets, WorkerOptions, prepare

_QUIET_S: Final = 0.5
"""What takes less than this needs no explanation."""
_REFRESH_S: Final = 0.1


async def prepare_sandbox(options: WorkerOptions) -> Assets:
    """Fetch and make what is missing, and tell standard error about it.

    Args:
        options: Where things are kept and where they come from.

    Returns:
        What `open_worker` needs.

    Raises:
        SetupError: Pyodide cannot be had.
        PackageError: A package that the sandbox needs cannot be had.
    """
    # What was done so far, in order; other threads add to it.
    lines: dict[str, None] = {}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_show, lines)
        # A download does not notice a cancellation; nobody should wait for it.
        assets = await trio.to_thread.run_sync(
            partial(prepare, options, lines.setdefault), abandon_on_cancel=True
        )
        nursery.cancel_scope.cancel()
    return assets


async def _show(lines: dict[str, None]) -> None:
    await trio.sleep(_QUIET_S)
    if sys.stderr.isatty():
        await _draw(lines)
    else:
        await _tell_news(lines, lambda line: click.echo(line, err=True))


async def _draw(lines: dict[str, None]) -> None:
    # rich takes 0.1 s to import: only where something is drawn.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        # Nobody knows the whole amount beforehand: the bar pulses.
        bar = progress.add_task("", total=None)
        await _tell_news(lines, lambda line: progress.update(bar, description=line))


async def _tell_news(lines: dict[str, None], tell: Callable[[str], None]) -> None:
    told = 0
    while True:
        for line in list(lines)[told:]:
            tell(line)
            told += 1
        await trio.sleep(_REFRESH_S)


def tell_once() -> Callable[[str], None]:
    """Return a function that prints lines to standard error, each only once.

    Other threads may call it.
    """
    told: set[str] = set()

    def tell(line: str) -> None:
        if line not in told:
            told.add(line)
            click.echo(line, err=True)

    return tell
