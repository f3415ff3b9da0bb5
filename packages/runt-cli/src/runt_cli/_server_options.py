"""The options that every command with a sync server has."""

from pathlib import Path

import click

DATA_DIR_OPTION = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where notebooks are kept; else in the user's data directory.",
)
