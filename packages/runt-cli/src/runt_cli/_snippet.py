"""One snippet in the sandbox, with its outputs shown in the terminal."""

import sys

import trio

from runt_cli._cell_printer import show
from runt_cli._logging import log_to_stderr
from runt_cli._preparation import prepare_sandbox
from runt_cli._printer import Printer
from runt_cli._sandbox_options import SandboxFlags
from runt_cli._stopping import stop_on_signals
from runt_cli._terminal_input import terminal_input
from runt_cli._worker_options import worker_options
from runt_worker import LaunchedProcess, OnInput, WorkerOptions, open_worker

_RAISED = 1


def run_snippet(
    sandbox: SandboxFlags,
    source: str,
    launched: LaunchedProcess | None,
    *,
    may_ask: bool,
) -> int:
    """Run a snippet and return the exit status.

    Args:
        sandbox: What the command line said.
        source: Python, as in a cell.
        launched: A sandbox process that is starting already.
        may_ask: Whether `input()` asks at the terminal, if there is one.

    Raises:
        ConfigurationError: A directory is of no use.
        WorkerError: The sandbox cannot be started, or ended.
    """
    log_to_stderr(sandbox.log, usual="warning")
    options = worker_options(sandbox, keeps_outputs=False)
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
