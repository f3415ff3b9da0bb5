"""`runt exec`: one snippet in the sandbox, without notebook or server."""

import importlib
import sys

import click

from runt_cli._sandbox_options import SandboxFlags, sandbox_options
from runt_worker import LaunchedProcess


@click.command(short_help="Run one snippet of Python in the sandbox.")
@click.argument("code")
@sandbox_options
@click.pass_obj
def command(launched: LaunchedProcess | None, code: str, sandbox: SandboxFlags) -> int:
    """Run CODE in the sandbox; `-` takes it from standard input.

    IPython runs it: magics and a top-level await work, the value of the last
    expression is shown, and at a terminal `input()` asks. The exit status is 1 if it
    raised.
    """
    source = sys.stdin.read() if code == "-" else code
    # Late: help needs none of it.
    snippet = importlib.import_module("runt_cli._snippet")
    return snippet.run_snippet(sandbox, source, launched, may_ask=code != "-")
