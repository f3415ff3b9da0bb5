"""`runt console`: an interactive prompt in front of the sandbox."""

import importlib
import sys

import click

from runt_cli._errors import ConfigurationError
from runt_cli._file_options import FileFlags, file_options
from runt_cli._limit_options import LimitFlags, limit_options
from runt_cli._log_options import LogFlags, log_options
from runt_cli._network_options import NetworkFlags, network_options
from runt_cli._package_options import PackageFlags, package_options
from runt_worker import LaunchedProcess


@click.command(short_help="An interactive prompt: completion, history, pictures.")
@click.option(
    "--pictures",
    metavar="DIR",
    help="Save the pictures that cells show to DIR; without it, to a temporary one.",
)
@file_options
@package_options
@limit_options
@log_options
@network_options
@click.pass_obj
def command(  # noqa: PLR0913 - a parameter for each option
    launched: LaunchedProcess | None,
    pictures: str | None,
    *,
    files: FileFlags,
    packages: PackageFlags,
    limits: LimitFlags,
    log: LogFlags,
    network: NetworkFlags,
) -> int:
    """Type Python, and the sandbox runs it.

    IPython runs it: magics, `name?` and a top-level await work. Tab completes, Enter
    goes on while the input is incomplete, Ctrl-C interrupts what runs (a second one
    starts a fresh Python), Ctrl-D leaves.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigurationError(
            "The console needs a terminal; `runt exec -` runs what comes from "
            "standard input."
        )
    # Late: help needs none of it.
    session = importlib.import_module("runt_cli._console_session")
    return session.run_console(
        pictures,
        files,
        packages,
        limits=limits,
        log=log,
        network=network,
        launched=launched,
    )
