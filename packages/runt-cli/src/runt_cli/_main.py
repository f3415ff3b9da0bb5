"""The `runt` command: its commands, its default, and what becomes of its errors."""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from runt_cli._connection_options import (
    AUTH_TOKEN_OPTION,
    ENV_FILE,
    NOTEBOOK_OPTION,
    RUNTIME_ID_OPTION,
    SYNC_URL_OPTION,
)
from runt_cli._errors import is_interrupt, sentences
from runt_cli._lazy_group import LazyCommand, LazyGroup
from runt_cli._sandbox_options import SandboxFlags, sandbox_options
from runt_cli._settings import Flags

if TYPE_CHECKING:
    from runt_worker import LaunchedProcess

SET_UP_FAILED: Final = 2
INTERRUPTED: Final = 130

_COMMANDS: Final = {
    "run": LazyCommand(
        module="runt_cli.commands.run",
        summary="Run a notebook or script headless, keep its outputs.",
    ),
    "up": LazyCommand(
        module="runt_cli.commands.up",
        summary="Sync server and agent in one process, for clients on this machine.",
    ),
    "exec": LazyCommand(
        module="runt_cli.commands.exec",
        summary="Run one snippet of Python in the sandbox.",
    ),
    "console": LazyCommand(
        module="runt_cli.commands.console",
        summary="An interactive prompt: completion, history, pictures.",
    ),
    "mounts": LazyCommand(
        module="runt_cli.commands.mounts",
        summary="Tell what directories are called in the sandbox.",
    ),
    "setup": LazyCommand(
        module="runt_cli.commands.setup",
        summary="Fetch and prepare everything ahead of time.",
    ),
    "doctor": LazyCommand(
        module="runt_cli.commands.doctor",
        summary="Check the sandbox on this machine, and the way to a server.",
    ),
    "packages": LazyCommand(
        module="runt_cli.commands.packages",
        summary="List, add, fetch and prune packages.",
    ),
    "sync": LazyCommand(
        module="runt_cli.commands.sync", summary="The sync server alone."
    ),
}


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@NOTEBOOK_OPTION
@AUTH_TOKEN_OPTION
@SYNC_URL_OPTION
@RUNTIME_ID_OPTION
@ENV_FILE
@sandbox_options
@click.version_option(package_name="runt-cli", message="runt %(version)s")
@click.pass_context
def cli(
    ctx: click.Context,
    env_file: str | None,
    *,
    sandbox: SandboxFlags,
    **settings: str | None,
) -> int | None:
    """Attach a sandboxed Python runtime to a notebook, and run its cells there.

    Without a command: the runtime agent, until it is stopped.
    """
    flags = Flags(**settings)
    if ctx.invoked_subcommand is None:
        agent = importlib.import_module("runt_cli.commands.agent")
        return agent.run(flags, env_file, sandbox)
    if any(
        ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        for name in ctx.params
    ):
        raise click.UsageError(
            "Options before a command are the agent's; "
            f"put those of {ctx.invoked_subcommand!r} behind it."
        )
    return None


def run(arguments: Sequence[str], launched: "LaunchedProcess | None") -> int:
    """Run the command line.

    Args:
        arguments: What stands behind `runt`.
        launched: A sandbox process that is starting already; commands find it as the
            object of their context.

    Returns:
        The exit status: 0, 1 if a cell raised, 2 if the work could not be started, 130
        after Ctrl-C.
    """
    try:
        status = cli.main(
            list(arguments), prog_name="runt", standalone_mode=False, obj=launched
        )
    except click.ClickException as error:
        error.show()
        return SET_UP_FAILED
    except click.Abort:
        return INTERRUPTED
    except BaseException as error:
        if is_interrupt(error):
            return INTERRUPTED
        found = sentences(error)
        if found is None:
            raise
        _show_errors(found)
        return SET_UP_FAILED
    return status or 0


def _show_errors(found: Sequence[str]) -> None:
    # Help needs none of it.
    from runt_cli._terminal_text import safe_text  # noqa: PLC0415

    for sentence in found:
        # A part of it may be what a server or the sandbox had to say.
        click.echo(f"Error: {safe_text(sentence, color=False)}", err=True)
