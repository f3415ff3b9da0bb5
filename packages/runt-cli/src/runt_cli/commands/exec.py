"""`runt exec`: one snippet in the sandbox, without notebook or server."""

import importlib
import sys

import click

from runt_cli._file_options import FileFlags, file_options
from runt_cli._limit_options import LimitFlags, limit_options
from runt_cli._log_options import LogFlags, log_options
from runt_cli._network_options import NetworkFlags, network_options
from runt_cli._package_options import PackageFlags, package_options
from runt_worker import LaunchedProcess


@click.command(short_help="Run one snippet of Python in the sandbox.")
@click.argument("code")
@file_options
@package_options
@limit_options
@log_options
@network_options
@click.pass_obj
def command(  # noqa: PLR0913 - a parameter for each option
    launched: LaunchedProcess | None,
    code: str,
    *,
    files: FileFlags,
    packages: PackageFlags,
    limits: LimitFlags,
    log: LogFlags,
    network: NetworkFlags,
) -> int:
    """Run CODE in the sandbox; `-` takes it from standard input.

    IPython runs it: magics and a top-level await work, the value of the last
    expression is shown, and at a terminal `input()` asks. The exit status is 1 if it
    raised.
    """
    source = sys.stdin.read() if code == "-" else code
    # Late: help needs none of it.
    snippet = importlib.import_module("runt_cli._snippet")
    return snippet.run_snippet(
        source,
        files,
        packages,
        limits=limits,
        log=log,
        network=network,
        launched=launched,
        may_ask=code != "-",
    )
