"""What events about sessions, executions and approvals do to the tables."""

from runt_protocol._dates import format_date, format_epoch_ms
from runt_protocol._javascript import is_true
from runt_protocol.events import (
    AllExecutionsCancelled,
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
    MultipleExecutionRequested,
    RuntimeSessionRenewal,
    RuntimeSessionStarted,
    RuntimeSessionStatusChanged,
    RuntimeSessionTerminated,
    ToolApprovalRequested,
    ToolApprovalResponded,
)
from runt_protocol.events._rules import expiry_ms
from runt_protocol.state._registry import Family, move_presence
from runt_protocol.state._rows import ExecutionRow, RuntimeSessionRow, ToolApprovalRow
from runt_protocol.state._tables import Tables

materialises = Family()


@materialises(RuntimeSessionStarted)
def runtime_session_started(tables: Tables, event: RuntimeSessionStarted) -> None:
    can = event.capabilities
    models = can.available_ai_models
    tables.runtime_sessions.put(
        RuntimeSessionRow(
            session_id=event.session_id,
            runtime_id=event.runtime_id,
            runtime_type=event.runtime_type,
            can_execute_code=can.can_execute_code,
            can_execute_sql=can.can_execute_sql,
            can_execute_ai=can.can_execute_ai,
            available_ai_models=models if is_true(models) else None,
        )
    )


@materialises(RuntimeSessionStatusChanged)
def runtime_session_status_changed(
    tables: Tables, event: RuntimeSessionStatusChanged
) -> None:
    tables.runtime_sessions.update(event.session_id, status=event.status)


@materialises(RuntimeSessionRenewal)
def runtime_session_renewal(tables: Tables, event: RuntimeSessionRenewal) -> None:
    tables.runtime_sessions.update(
        event.session_id,
        last_renewed_at=format_date(event.renewed_at),
        expires_at=format_epoch_ms(expiry_ms(event)),
    )


@materialises(RuntimeSessionTerminated)
def runtime_session_terminated(tables: Tables, event: RuntimeSessionTerminated) -> None:
    tables.runtime_sessions.update(
        event.session_id, status="terminated", is_active=False
    )


@materialises(ExecutionRequested)
def execution_requested(tables: Tables, event: ExecutionRequested) -> None:
    enqueue(
        tables,
        ExecutionRow(
            id=event.queue_id,
            cell_id=event.cell_id,
            execution_count=event.execution_count,
            requested_by=event.requested_by,
        ),
    )
    move_presence(tables, event.actor_id or event.requested_by, event.cell_id)


@materialises(MultipleExecutionRequested)
def multiple_execution_requested(
    tables: Tables, event: MultipleExecutionRequested
) -> None:
    for cell in event.cells_info:
        enqueue(
            tables,
            ExecutionRow(
                id=cell.queue_id,
                cell_id=cell.id,
                execution_count=cell.execution_count,
                requested_by=event.requested_by,
            ),
        )


def enqueue(tables: Tables, execution: ExecutionRow) -> None:
    """Queue an execution; the cell counts as queued even if the id stands already."""
    tables.execution_queue.put_if_absent(execution)
    tables.cells.update(
        execution.cell_id,
        execution_state="queued",
        execution_count=execution.execution_count,
    )


@materialises(ExecutionAssigned)
def execution_assigned(tables: Tables, event: ExecutionAssigned) -> None:
    tables.execution_queue.update(
        event.queue_id,
        status="assigned",
        assigned_runtime_session=event.runtime_session_id,
    )


@materialises(ExecutionStarted)
def execution_started(tables: Tables, event: ExecutionStarted) -> None:
    tables.execution_queue.update(
        event.queue_id, status="executing", started_at=format_date(event.started_at)
    )
    tables.cells.update(
        event.cell_id,
        execution_state="running",
        assigned_runtime_session=event.runtime_session_id,
    )


@materialises(ExecutionCompleted)
def execution_completed(tables: Tables, event: ExecutionCompleted) -> None:
    is_success = event.status == "success"
    tables.execution_queue.update(
        event.queue_id,
        status="completed" if is_success else "failed",
        completed_at=format_date(event.completed_at),
        execution_duration_ms=event.execution_duration_ms,
    )
    tables.cells.update(
        event.cell_id,
        execution_state="completed" if is_success else "error",
        last_execution_duration_ms=event.execution_duration_ms,
    )


@materialises(ExecutionCancelled)
def execution_cancelled(tables: Tables, event: ExecutionCancelled) -> None:
    tables.execution_queue.update(event.queue_id, status="cancelled")
    tables.cells.update(event.cell_id, execution_state="idle")
    move_presence(tables, event.actor_id or event.cancelled_by, event.cell_id)


@materialises(AllExecutionsCancelled)
def all_executions_cancelled(tables: Tables, _event: AllExecutionsCancelled) -> None:
    for status in ("pending", "assigned", "executing"):
        for execution in tables.execution_queue.where("status", status):
            tables.execution_queue.update(execution.id, status="cancelled")
    for state in ("queued", "running"):
        for cell in tables.cells.where("execution_state", state):
            tables.cells.update(cell.id, execution_state="idle")


@materialises(ToolApprovalRequested)
def tool_approval_requested(tables: Tables, event: ToolApprovalRequested) -> None:
    tables.tool_approvals.put(
        ToolApprovalRow(
            tool_call_id=event.tool_call_id,
            cell_id=event.cell_id,
            tool_name=event.tool_name,
            requested_at=format_date(event.requested_at),
        )
    )


@materialises(ToolApprovalResponded)
def tool_approval_responded(tables: Tables, event: ToolApprovalResponded) -> None:
    tables.tool_approvals.update(
        event.tool_call_id,
        status=event.status,
        approved_by=event.approved_by,
        responded_at=format_date(event.responded_at),
    )
