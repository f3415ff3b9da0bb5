"""`runt console`: an interactive prompt in front of the sandbox."""

import importlib
import sys

import click

from runt_cli._errors import ConfigurationError
from runt_cli._sandbox_options import SandboxFlags, sandbox_options
from runt_worker import LaunchedProcess


@click.command(short_help="An interactive prompt: completion, history, pictures.")
@click.option(
    "--pictures",
    metavar="DIR",
    help="Save the pictures that cells show to DIR; without it, to a temporary one.",
)
@sandbox_options
@click.pass_obj
def command(
    launched: LaunchedProcess | None, pictures: str | None, sandbox: SandboxFlags
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
    return session.run_console(sandbox, pictures, launched)
