"""`runt doctor`: what the sandbox is made of here, what guards it, and what it reaches.

Each check is a line; what is broken says what helps.
"""

from collections.abc import AsyncIterator
from functools import partial

import click
import trio

from runt_cli._connection_options import (
    AUTH_TOKEN_OPTION,
    ENV_FILE,
    NOTEBOOK_OPTION,
    SYNC_URL_OPTION,
    partial_connection_of,
)
from runt_cli._file_options import FileFlags, file_options
from runt_cli._host_files import open_host_files
from runt_cli._service_check import check_service
from runt_cli._settings import Flags
from runt_cli._terminal_text import safe_text
from runt_worker import Check, WorkerOptions, check_installation, try_sandbox

_BROKEN = 1


@click.command(short_help="Check the sandbox on this machine, and the way to a server.")
@NOTEBOOK_OPTION
@AUTH_TOKEN_OPTION
@SYNC_URL_OPTION
@ENV_FILE
@file_options
def command(env_file: str | None, files: FileFlags, **settings: str | None) -> int:
    """Check what the sandbox is made of on this machine, and what guards it.

    A sandbox is started, and tries to get out. Its mounts are looked at as cells see
    them. If a sync server or a token is given, by flag or variable, the server has to
    answer and to accept the token.

    One line each. The exit status is 1 if something is missing that matters; the line
    says what helps.
    """
    host = open_host_files(files)
    options = WorkerOptions(mounts=host.mounts, output_dir=host.output_dir)
    return trio.run(_check, options, partial_connection_of(Flags(**settings), env_file))


async def _check(options: WorkerOptions, connection: Flags) -> int:
    status = 0
    async for check in _checks(options, connection):
        mark = "!!" if check.hint else "ok"
        hint = f" ({check.hint})" if check.hint else ""
        line = f"{mark}  {check.name}: {check.found}{hint}"
        # A part of it may be what the sandbox or a server had to say.
        click.echo(safe_text(line, color=False).replace("\n", " "))
        if check.hint:
            status = _BROKEN
    return status


async def _checks(options: WorkerOptions, connection: Flags) -> AsyncIterator[Check]:
    is_installed = True
    look = partial(list[Check], check_installation(options.cache_dir))
    for check in await trio.to_thread.run_sync(look):
        is_installed &= not (check.hint and check.name in {"Deno", "Pyodide"})
        yield check
    if is_installed:  # to install it takes a while, and `runt setup` shows that
        for check in await try_sandbox(options):
            yield check
    for check in await check_service(connection):
        yield check
