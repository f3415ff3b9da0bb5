"""`runt packages`: what is in the package cache."""

from pathlib import Path

import click

from runt_cli._package_options import PackageFlags, source_options, with_packages
from runt_cli._preparation import tell_once
from runt_worker import PackageManager, WorkerOptions

_MEGABYTE = 1_000_000


@click.group(name="packages", short_help="List, add, fetch and prune packages.")
def command() -> None:
    """The package cache: what cells can import without a network."""


@command.command(name="list")
def list_packages() -> None:
    """List the packages in the cache, with their size and why they are there."""
    rows = [
        (it.name, it.version, _size(it.size_bytes), it.source)
        for it in PackageManager(WorkerOptions()).packages()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, version, size, source in rows:
        click.echo(
            f"{name:{widths[0]}}  {version:{widths[1]}}  {size:>{widths[2]}}  {source}"
        )


@command.command()
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=click.Path(path_type=Path, exists=True),
)
def add(paths: tuple[Path, ...]) -> None:
    """Put wheels, or all wheels of a directory, into the cache.

    A file of Pyodide's is known by its hash; any other wheel has to fit the sandbox,
    and is found by %pip install from then on, with and without a network.
    """
    manager = PackageManager(WorkerOptions())
    for path in paths:
        for name in manager.add(path):
            click.echo(f"Added {name}")


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@source_options
def fetch(names: tuple[str, ...], packages: PackageFlags) -> None:
    """Fetch packages with all they need: NAME, or 'NAME==VERSION'."""
    manager = PackageManager(with_packages(WorkerOptions(), packages))
    for name, version in manager.fetch(names, tell_once()):
        click.echo(f"{name} {version}")


@command.command()
def path() -> None:
    """Print the cache directory."""
    click.echo(WorkerOptions().cache_dir)


@command.command()
@click.option("--all", "everything", is_flag=True, help="Remove all packages.")
def prune(*, everything: bool) -> None:
    """Remove leftovers, and packages of earlier versions that nothing names now."""
    pruned = PackageManager(WorkerOptions()).prune(everything=everything)
    click.echo(f"Freed {_size(pruned.freed_bytes)}")
    if pruned.is_in_use:
        click.echo(
            "Sandboxes are running; what they may read was kept. Try again later.",
            err=True,
        )


def _size(size_bytes: int) -> str:
    if size_bytes < _MEGABYTE:
        return f"{size_bytes / 1000:.0f} kB"
    return f"{size_bytes / _MEGABYTE:.1f} MB"
