"""A console from its start to its end."""

import sys
from pathlib import Path

import trio

from runt_cli._console import Console
from runt_cli._console_prompt import ConsolePrompt
from runt_cli._host_files import open_picture_dir
from runt_cli._logging import log_to_stderr
from runt_cli._pictures import PictureFolder
from runt_cli._preparation import prepare_sandbox
from runt_cli._printer import Printer
from runt_cli._sandbox_options import SandboxFlags
from runt_cli._stopping import stop_on_signals
from runt_cli._terminal_input import terminal_input
from runt_cli._worker_options import worker_options
from runt_worker import LaunchedProcess, WorkerOptions, open_worker


def run_console(
    sandbox: SandboxFlags, pictures: str | None, launched: LaunchedProcess | None
) -> int:
    """Run a console at the terminal and return the exit status.

    Args:
        sandbox: What the command line said.
        pictures: Where pictures are saved; None: in a temporary directory.
        launched: A sandbox process that is starting already.

    Raises:
        ConfigurationError: A directory is of no use.
        WorkerError: The sandbox cannot be started.
    """
    log_to_stderr(sandbox.log, usual="warning")
    options = worker_options(sandbox, keeps_outputs=False)
    folder = None if pictures is None else open_picture_dir(pictures, options.mounts)
    return trio.run(_run, options, folder, launched)


async def _run(
    options: WorkerOptions, pictures: Path | None, launched: LaunchedProcess | None
) -> int:
    printer = Printer(sys.stdout, sys.stderr)
    async with stop_on_signals() as stop:
        with stop.scope():
            assets = await prepare_sandbox(options)
            async with open_worker(options, assets=assets, launched=launched) as worker:
                console = Console(
                    worker,
                    ConsolePrompt(worker),
                    printer,
                    PictureFolder(pictures),
                    terminal_input(printer),
                )
                await console.run()
                return 0
        return stop.exit_status
