"""`runt` without a command: the runtime agent of one notebook."""

from dataclasses import replace
from functools import partial

import click
import trio

from runt_agent import HOSTED_SYNC_URL, AgentConfig, run_agent
from runt_cli._connection_options import connection_of
from runt_cli._logging import log_to_stderr
from runt_cli._preparation import prepare_sandbox
from runt_cli._sandbox_options import SandboxFlags
from runt_cli._settings import Flags
from runt_cli._stopping import stop_on_signals
from runt_cli._worker_options import worker_options
from runt_worker import WorkerOptions


def run(flags: Flags, env_file: str | None, sandbox: SandboxFlags) -> int:
    """Serve the notebook that flags, environment and file name, until stopped.

    Args:
        flags: What the command line said.
        env_file: What `--env-file` named.
        sandbox: What it said about the sandbox.

    Returns:
        The exit status; being stopped is how an agent ends well.

    Raises:
        ConfigurationError: Something is missing, or a directory is of no use.
    """
    connection = connection_of(flags, env_file)
    config = AgentConfig(
        notebook_id=connection.notebook_id,
        auth_token=connection.auth_token,
        sync_url=connection.sync_url or HOSTED_SYNC_URL,
    )
    if connection.runtime_id is not None:
        config = replace(config, runtime_id=connection.runtime_id)
    options = worker_options(sandbox)
    log_to_stderr(sandbox.log)
    return trio.run(serve, config, options)


async def serve(config: AgentConfig, options: WorkerOptions) -> int:
    """Run an agent until a signal comes."""
    async with stop_on_signals() as stop:
        with stop.scope():
            await prepare_sandbox(options)
            async with trio.open_nursery() as nursery:
                run_it = partial(run_agent, config, worker_options=options)
                await nursery.start(run_it)
                click.echo(f"Attached to notebook {config.notebook_id}.", err=True)
    return 0
