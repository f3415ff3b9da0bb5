"""What became of the executions of a soak, read from the log and the tables."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from cells import Cell

from runt_protocol import (
    ExecutionCompleted,
    LoggedEvent,
    NotebookState,
    decode_event,
)

TERMINAL: Final = frozenset({"completed", "failed", "cancelled"})

DISTURBANCES: Final = (
    "was ended by SIGKILL",
    "the runtime session",  # … ended before this cell was done
    "the runtime ended before",
    "KeyboardInterrupt",  # the agent was stopped
    "did not end within",
    "no longer wanted",
)
"""Parts of the errors that a soak's own deeds cause in any cell."""


def queue_id(number: int) -> str:
    """Return the id of the execution of a cell."""
    return f"q{number}"


def cell_id(number: int) -> str:
    """Return the id of a cell."""
    return f"c{number}"


def is_ended(state: NotebookState, cell: Cell) -> bool:
    """Tell whether the execution of a cell has reached a terminal state."""
    row = state.execution_queue.get(queue_id(cell.number))
    return row is not None and row.status in TERMINAL


def completions(log: Iterable[LoggedEvent]) -> dict[str, list[ExecutionCompleted]]:
    """Return the completions of each execution; there should be no second one."""
    found = defaultdict[str, list[ExecutionCompleted]](list)
    for logged in log:
        if logged.name == ExecutionCompleted.event_name:
            event = decode_event(logged.name, logged.args_text)
            if isinstance(event, ExecutionCompleted):
                found[event.queue_id].append(event)
    return found


def faults(
    cells: Iterable[Cell],
    cancelled: frozenset[int],
    state: NotebookState,
    log: Iterable[LoggedEvent],
) -> list[str]:
    """Return what went wrong with the executions, a sentence each.

    Args:
        cells: all that were requested.
        cancelled: the numbers of those that may have been cancelled.
        state: the tables at the end.
        log: the whole log.
    """
    completed = completions(log)
    found: list[str] = []
    for cell in cells:
        row = state.execution_queue.get(queue_id(cell.number))
        status = "lost" if row is None else row.status
        ends = completed.get(queue_id(cell.number), [])
        shown = _shown(state, cell)
        fault = _fault_of_the_end(status, ends)
        if fault is None and cell.number not in cancelled:
            fault = _fault_of_the_cell(cell, status, shown, ends)
        if fault is not None:
            found.append(f"cell {cell.number} ({cell.kind}) {fault}")
    return found


def _fault_of_the_end(status: str, ends: list[ExecutionCompleted]) -> str | None:
    if status not in TERMINAL:
        return f"never ended: it is {status}"
    if len(ends) > 1:
        return f"was completed {len(ends)} times"
    if status != "cancelled" and not ends:
        return f"is {status} without an end in the log"
    return None


def _fault_of_the_cell(
    cell: Cell, status: str, shown: str, ends: list[ExecutionCompleted]
) -> str | None:
    match status:
        case "cancelled":
            return "was cancelled by nobody"
        case "failed":
            said = f"{shown}{ends[0].error}"
            reasons = (*DISTURBANCES, *([cell.fails_by] if cell.fails_by else []))
            if not any(reason in said for reason in reasons):
                return f"failed, and says no more than {said[-200:]!r}"
        case _ if cell.fails_by is not None:
            return "succeeded, which it cannot"
        case _ if shown != cell.shows:
            return f"shows {shown[:80]!r}, not {cell.shows[:80]!r}"
        case _:
            pass
    return None


def _shown(state: NotebookState, cell: Cell) -> str:
    outputs = state.outputs_of(cell_id(cell.number))
    return "".join(state.text_of(output) for output in outputs)
