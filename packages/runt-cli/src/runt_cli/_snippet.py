"""One snippet in the sandbox, with its outputs shown in the terminal."""

import sys

import trio

from runt_cli._cell_printer import show
from runt_cli._file_options import FileFlags
from runt_cli._host_files import open_host_files
from runt_cli._limit_options import LimitFlags, with_limits
from runt_cli._log_options import LogFlags
from runt_cli._logging import log_to_stderr
from runt_cli._network_options import NetworkFlags, with_network
from runt_cli._package_options import PackageFlags, with_packages
from runt_cli._preparation import prepare_sandbox
from runt_cli._printer import Printer
from runt_cli._stopping import stop_on_signals
from runt_cli._terminal_input import terminal_input
from runt_worker import LaunchedProcess, OnInput, WorkerOptions, open_worker

_RAISED = 1


def run_snippet(  # noqa: PLR0913 - what the command line said
    source: str,
    files: FileFlags,
    packages: PackageFlags,
    *,
    limits: LimitFlags,
    log: LogFlags,
    network: NetworkFlags,
    launched: LaunchedProcess | None,
    may_ask: bool,
) -> int:
    """Run a snippet and return the exit status.

    Args:
        source: Python, as in a cell.
        files: What the command line said about files.
        packages: What it said about packages.
        limits: What it said about limits.
        log: What it said about logs.
        network: What it said about the network.
        launched: A sandbox process that is starting already.
        may_ask: Whether `input()` asks at the terminal, if there is one.

    Raises:
        ConfigurationError: A directory is of no use.
        WorkerError: The sandbox cannot be started, or ended.
    """
    log_to_stderr(log, usual="warning")
    host = open_host_files(files)
    options = WorkerOptions(mounts=host.mounts, output_dir=host.output_dir)
    options = with_network(options, network)
    options = with_limits(with_packages(options, packages), limits, keeps_outputs=False)
    printer = Printer(sys.stdout, sys.stderr)
    on_input = terminal_input(printer) if may_ask else None
    return trio.run(_execute, source, options, launched, printer, on_input)


async def _execute(
    source: str,
    options: WorkerOptions,
    launched: LaunchedProcess | None,
    printer: Printer,
    on_input: OnInput | None,
) -> int:
    async with stop_on_signals() as stop:
        with stop.scope(), trio.CancelScope() as starting:
            assets = await prepare_sandbox(options)
            async with open_worker(options, assets=assets, launched=launched) as worker:
                # From here on a signal interrupts the snippet; the worker is then
                # stopped in good order, with the snippet's last words shown.
                starting.shield = True
                with stop.scope():
                    try:
                        reply = await worker.execute(
                            source, lambda output: show(output, printer), on_input
                        )
                    finally:
                        printer.end_cell()
                    return 0 if reply.status == "ok" else _RAISED
        return stop.exit_status
