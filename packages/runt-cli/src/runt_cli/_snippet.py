"""One snippet in the sandbox, with its outputs shown in the terminal."""

import sys

import trio

from runt_cli._file_options import FileFlags
from runt_cli._host_files import open_host_files
from runt_cli._preparation import prepare_sandbox
from runt_cli._printer import Printer
from runt_cli._stopping import stop_on_signals
from runt_worker import (
    ClearOutput,
    DisplayData,
    Error,
    ExecuteResult,
    LaunchedProcess,
    Output,
    Stream,
    UpdateDisplayData,
    WorkerOptions,
    open_worker,
)

_RAISED = 1


def run_snippet(source: str, files: FileFlags, launched: LaunchedProcess | None) -> int:
    """Run a snippet and return the exit status.

    Args:
        source: Python, as in a cell.
        files: What the command line said about files.
        launched: A sandbox process that is starting already.

    Raises:
        ConfigurationError: A directory is of no use.
        WorkerError: The sandbox cannot be started, or ended.
    """
    host = open_host_files(files)
    options = WorkerOptions(mounts=host.mounts, output_dir=host.output_dir)
    return trio.run(_execute, source, options, launched)


async def _execute(
    source: str, options: WorkerOptions, launched: LaunchedProcess | None
) -> int:
    printer = Printer(sys.stdout, sys.stderr)
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
                            source, lambda output: show(output, printer)
                        )
                    finally:
                        printer.end_cell()
                    return 0 if reply.status == "ok" else _RAISED
        return stop.exit_status


def show(output: Output, printer: Printer) -> None:
    """Print one output of a worker.

    Args:
        output: What the worker says.
        printer: Where to.
    """
    match output:
        case Stream():
            printer.stream(output.name, output.text)
        case DisplayData() | UpdateDisplayData() | ExecuteResult():
            printer.bundle(output.data)
        case Error():
            printer.error(output.ename, output.evalue, output.traceback)
        case ClearOutput():
            pass  # what a terminal has shown stays shown
