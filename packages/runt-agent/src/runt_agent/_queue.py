"""What the agent should do next.

Pure: functions of the ledger (who may do what) and of the tables (what there is to
do). The agent asks `next_step` while it is idle and `running_step` while a cell runs.
Source: protocol.md §6.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeAlias

from runt_agent._ledger import Ending, Ledger, OpenExecution
from runt_protocol import NotebookState

_OPEN: Final = {"pending", "assigned", "executing"}


@dataclass(frozen=True)
class Claim:
    """Claim the first execution that nobody has claimed."""

    queue_id: str


@dataclass(frozen=True)
class Run:
    """Run a cell: its execution is this session's, beyond recall."""

    queue_id: str
    cell_id: str
    source: str


@dataclass(frozen=True)
class Fail:
    """Complete an execution as error without running anything."""

    queue_id: str
    cell_id: str
    reason: str


@dataclass(frozen=True)
class Displace:
    """End another session that is still active though this one started later."""

    session_id: str


@dataclass(frozen=True)
class Repair:
    """Say again how an execution ended: a late event made it look open."""

    ending: Ending


@dataclass(frozen=True)
class Interrupt:
    """Interrupt the running cell: its execution is no longer wanted."""


@dataclass(frozen=True)
class Displaced:
    """Stop: another session is in charge, or this one has been ended."""

    new_session_id: str | None


@dataclass(frozen=True)
class Wait:
    """Do nothing until the notebook changes."""


IdleStep: TypeAlias = Claim | Run | Fail | Displace | Repair | Displaced | Wait
RunningStep: TypeAlias = Interrupt | Displaced | Wait


def next_step(
    ledger: Ledger,
    state: NotebookState,
    session_id: str,
    *,
    is_claiming: bool,
    done: AbstractSet[str],
) -> IdleStep:
    """Decide what to do while no cell runs.

    Args:
        ledger: What the log says, confirmed events only.
        state: The tables, own pending events included.
        session_id: The agent's own session, whose start is confirmed.
        is_claiming: Whether a claim of this agent is not confirmed yet; it makes one
            at a time.
        done: Executions that this agent has completed, confirmed or not.

    Returns:
        One step. After it the agent asks again.
    """
    if ledger.in_charge != session_id:
        return Displaced(ledger.in_charge)
    tidying = _tidying_step(ledger, state, session_id)
    if tidying is not None:
        return tidying
    for execution in ledger.executions.values():
        if execution.queue_id not in done:
            return _step_for(execution, state, session_id, is_claiming=is_claiming)
    return Wait()


def running_step(ledger: Ledger, session_id: str, queue_id: str) -> RunningStep:
    """Decide what to do while a cell runs.

    Args:
        ledger: What the log says.
        session_id: The agent's own session.
        queue_id: The execution that runs.
    """
    if ledger.in_charge != session_id:
        return Displaced(ledger.in_charge)
    if not is_in_hand(ledger, session_id, queue_id):
        return Interrupt()
    return Wait()


def is_in_hand(ledger: Ledger, session_id: str, queue_id: str) -> bool:
    """Tell whether an execution is this session's to run and to complete."""
    execution = ledger.executions.get(queue_id)
    return (
        execution is not None
        and execution.session_id == session_id
        and ledger.in_charge == session_id
    )


def _tidying_step(
    ledger: Ledger, state: NotebookState, session_id: str
) -> Displace | Repair | None:
    """Find what the tables show in another way than the ledger."""
    for other in ledger.active_sessions:
        row = state.runtime_sessions.get(other)
        if other != session_id and row is not None and row.is_active:
            return Displace(other)
    for author, ending in ledger.disturbed():
        is_ours = author == session_id or author not in ledger.active_sessions
        row = state.execution_queue.get(ending.queue_id)
        if is_ours and row is not None and row.status in _OPEN:
            return Repair(ending)
    return None


def _step_for(
    execution: OpenExecution,
    state: NotebookState,
    session_id: str,
    *,
    is_claiming: bool,
) -> IdleStep:
    if execution.session_id is None:
        return Wait() if is_claiming else Claim(execution.queue_id)
    if execution.session_id != session_id:
        # It was in charge when it claimed, and that is over.
        reason = (
            f"the runtime session {execution.session_id} ended before this cell was "
            "done; run it again"
        )
        return Fail(execution.queue_id, execution.cell_id, reason)
    return _run(state, execution.queue_id, execution.cell_id)


def _run(state: NotebookState, queue_id: str, cell_id: str) -> Run | Fail:
    cell = state.cells.get(cell_id)
    if cell is None:
        return Fail(queue_id, cell_id, "the cell is gone")
    if cell.cell_type != "code":
        article = "an" if cell.cell_type == "ai" else "a"
        reason = (
            "this runtime runs code cells only, and this is "
            f"{article} {cell.cell_type} cell"
        )
        return Fail(queue_id, cell_id, reason)
    return Run(queue_id, cell_id, cell.source)
