"""A console from its start to its end."""

import sys
from pathlib import Path

import trio

from runt_cli._console import Console
from runt_cli._console_prompt import ConsolePrompt
from runt_cli._file_options import FileFlags
from runt_cli._host_files import open_host_files, open_picture_dir
from runt_cli._limit_options import LimitFlags, with_limits
from runt_cli._log_options import LogFlags
from runt_cli._logging import log_to_stderr
from runt_cli._network_options import NetworkFlags, with_network
from runt_cli._package_options import PackageFlags, with_packages
from runt_cli._pictures import PictureFolder
from runt_cli._preparation import prepare_sandbox
from runt_cli._printer import Printer
from runt_cli._stopping import stop_on_signals
from runt_cli._terminal_input import terminal_input
from runt_worker import LaunchedProcess, WorkerOptions, open_worker


def run_console(  # noqa: PLR0913 - what the command line said
    pictures: str | None,
    files: FileFlags,
    packages: PackageFlags,
    *,
    limits: LimitFlags,
    log: LogFlags,
    network: NetworkFlags,
    launched: LaunchedProcess | None,
) -> int:
    """Run a console at the terminal and return the exit status.

    Args:
        pictures: Where pictures are saved; None: in a temporary directory.
        files: What the command line said about files.
        packages: What it said about packages.
        limits: What it said about limits.
        log: What it said about logs.
        network: What it said about the network.
        launched: A sandbox process that is starting already.

    Raises:
        ConfigurationError: A directory is of no use.
        WorkerError: The sandbox cannot be started.
    """
    log_to_stderr(log, usual="warning")
    host = open_host_files(files)
    folder = None if pictures is None else open_picture_dir(pictures, host.mounts)
    options = WorkerOptions(mounts=host.mounts, output_dir=host.output_dir)
    options = with_network(options, network)
    options = with_limits(with_packages(options, packages), limits, keeps_outputs=False)
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
