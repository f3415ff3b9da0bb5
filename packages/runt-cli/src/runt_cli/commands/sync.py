"""`runt sync serve`: the sync server alone."""

import os
from pathlib import Path

import click
import trio

from runt_cli._log_options import LogFlags, log_options
from runt_cli._logging import log_to_stderr
from runt_cli._server_options import DATA_DIR_OPTION
from runt_cli._settings import SERVER_TOKEN_VARIABLE, server_token
from runt_cli._stopping import stop_on_signals
from runt_sync import open_server


@click.group(name="sync", short_help="The sync server alone.")
def command() -> None:
    """Sync servers, without an agent."""


@command.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. Beyond this machine, put TLS in front of it: "
    "tokens travel in URLs.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8787,
    show_default=True,
    help="0 takes any free port.",
)
@DATA_DIR_OPTION
@log_options
def serve(host: str, port: int, data_dir: Path | None, log: LogFlags) -> int:
    """Serve notebooks until stopped.

    The token that clients need is that of the data directory, or the value of
    RUNT_SYNC_TOKEN.
    """
    log_to_stderr(log)
    return trio.run(_serve, host, port, data_dir)


async def _serve(host: str, port: int, data_dir: Path | None) -> int:
    token = server_token(os.environ)
    async with (
        stop_on_signals() as stop,
        open_server(data_dir=data_dir, token=token, host=host, port=port) as server,
    ):
        click.echo(f"Sync URL:  {server.sync_url}")
        click.echo(f"Token:     {server.token if token is None else _KNOWN}")
        with stop.scope():
            await trio.sleep_forever()
    return 0


_KNOWN = f"the value of {SERVER_TOKEN_VARIABLE}"
