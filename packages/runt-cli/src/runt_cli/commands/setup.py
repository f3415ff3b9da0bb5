"""`runt setup`: everything that the sandbox needs, fetched ahead of time."""

import click
import trio

from runt_cli._preparation import prepare_sandbox
from runt_cli._stopping import stop_on_signals
from runt_worker import WorkerOptions


@click.command(short_help="Fetch and prepare everything ahead of time.")
def command() -> int:
    """Fetch and prepare everything that the sandbox needs.

    Other commands do the same when they find something missing. Packages that cells
    import are fetched when they are imported, and kept.
    """
    return trio.run(_set_up)


async def _set_up() -> int:
    options = WorkerOptions()
    async with stop_on_signals() as stop:
        with stop.scope():
            await prepare_sandbox(options)
            click.echo(f"Everything is ready in {options.cache_dir}")
            return 0
    return stop.exit_status
