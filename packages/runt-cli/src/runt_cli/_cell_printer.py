"""Prints what a worker says of its cell."""

from runt_cli._printer import Printer
from runt_worker import (
    ClearOutput,
    DisplayData,
    Error,
    ExecuteResult,
    Output,
    Stream,
    UpdateDisplayData,
)


def show(output: Output, printer: Printer, *, numbered: bool = False) -> None:
    """Print one output of a worker.

    Args:
        output: What the worker says.
        printer: Where to.
        numbered: Whether results bear the number of their prompt.
    """
    match output:
        case Stream():
            printer.stream(output.name, output.text)
        case ExecuteResult() if numbered:
            printer.bundle(output.data, label=f"Out[{output.execution_count}]:")
        case DisplayData() | UpdateDisplayData() | ExecuteResult():
            printer.bundle(output.data)
        case Error():
            printer.error(output.ename, output.evalue, output.traceback)
        case ClearOutput():
            pass  # what a terminal has shown stays shown
