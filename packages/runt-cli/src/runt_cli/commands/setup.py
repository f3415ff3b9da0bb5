"""`runt setup`: everything that the sandbox needs, fetched ahead of time."""

import click
import trio

from runt_cli._package_options import (
    MIRROR,
    PACKAGES_DIR,
    PackageFlags,
    with_packages,
)
from runt_cli._preparation import prepare_sandbox, tell_once
from runt_cli._stopping import stop_on_signals
from runt_worker import PackageManager, WorkerOptions


@click.command(short_help="Fetch and prepare everything ahead of time.")
@click.option(
    "--packages",
    "names",
    metavar="NAME,NAME…",
    help="Fetch these packages, too, and all that they need.",
)
@PACKAGES_DIR
@MIRROR
def command(names: str | None, packages_dir: str | None, mirror_url: str | None) -> int:
    """Fetch and prepare everything that the sandbox needs.

    Other commands do the same when they find something missing. Packages that cells
    import are fetched when they are imported, and kept; those of --packages are there
    without a network.
    """
    flags = PackageFlags(packages_dir=packages_dir, mirror_url=mirror_url)
    wanted = [name.strip() for name in (names or "").split(",") if name.strip()]
    return trio.run(_set_up, with_packages(WorkerOptions(), flags), wanted)


async def _set_up(options: WorkerOptions, wanted: list[str]) -> int:
    async with stop_on_signals() as stop:
        with stop.scope():
            await prepare_sandbox(options)
            if wanted:
                await trio.to_thread.run_sync(
                    _fetch, options, wanted, abandon_on_cancel=True
                )
            click.echo(f"Everything is ready in {options.cache_dir}")
            return 0
    return stop.exit_status


def _fetch(options: WorkerOptions, wanted: list[str]) -> None:
    for name, version in PackageManager(options).fetch(wanted, tell_once()):
        click.echo(f"{name} {version}")
