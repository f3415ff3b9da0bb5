"""`runt up`: sync server and agent in one process, for clients on this machine."""

import os
import secrets
from functools import partial
from pathlib import Path

import click
import trio

from runt_agent import AgentConfig, run_agent
from runt_cli._logging import log_to_stderr
from runt_cli._preparation import prepare_sandbox
from runt_cli._sandbox_options import SandboxFlags, sandbox_options
from runt_cli._server_options import DATA_DIR_OPTION
from runt_cli._settings import server_token
from runt_cli._stopping import stop_on_signals
from runt_cli._worker_options import worker_options
from runt_sync import Server, open_server
from runt_worker import WorkerOptions


@click.command(short_help="Sync server and agent in one process.")
@click.option(
    "-n", "--notebook", metavar="ID", help="The notebook; a new one if not given."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="0 takes any free port."
)
@DATA_DIR_OPTION
@sandbox_options
def command(
    notebook: str | None,
    port: int,
    *,
    data_dir: Path | None,
    sandbox: SandboxFlags,
) -> int:
    """Serve a notebook on this machine: sync server and agent in one process.

    Prints what clients need to join; `runt run … --sync-url` is one. The token is that
    of the data directory, or the value of RUNT_SYNC_TOKEN. Ctrl-C ends both.
    """
    notebook_id = notebook or f"notebook-{secrets.token_hex(4)}"
    options = worker_options(sandbox)
    log_to_stderr(sandbox.log)
    return trio.run(_serve, notebook_id, port, data_dir, options)


async def _serve(
    notebook_id: str, port: int, data_dir: Path | None, options: WorkerOptions
) -> int:
    token = server_token(os.environ)
    async with (
        stop_on_signals() as stop,
        # Outside the scope: the agent says its goodbye through it.
        open_server(data_dir=data_dir, token=token, port=port) as server,
    ):
        config = AgentConfig(
            notebook_id=notebook_id, auth_token=server.token, sync_url=server.sync_url
        )
        click.echo(_invitation(server, notebook_id))
        with stop.scope():
            await prepare_sandbox(options)
            async with trio.open_nursery() as nursery:
                await nursery.start(partial(run_agent, config, worker_options=options))
                click.echo("Ready. Ctrl-C ends it.")
    return 0


def _invitation(server: Server, notebook_id: str) -> str:
    return (
        f"Sync URL:  {server.sync_url}\n"
        f"Notebook:  {notebook_id}\n"
        f"Token:     {server.token}\n"
        "\n"
        "To run a notebook here, from another terminal:\n"
        f"  AUTH_TOKEN={server.token} runt run NOTEBOOK.ipynb "
        f"--sync-url {server.sync_url} --notebook {notebook_id}\n"
    )
