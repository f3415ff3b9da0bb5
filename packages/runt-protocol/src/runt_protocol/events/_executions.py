"""Events about runtime sessions, the execution queue and tool approvals."""

from datetime import datetime
from typing import Any, ClassVar

from msgspec import UNSET, Struct, UnsetType

from runt_protocol.events._base import (
    ApprovalStatus,
    EventBase,
    ExecutionOutcome,
    Number,
    SessionStatus,
    TerminationReason,
    WholeNumber,
)


class Capabilities(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a runtime session can execute."""

    can_execute_code: bool
    can_execute_sql: bool
    can_execute_ai: bool
    available_ai_models: Any | UnsetType = UNSET


class RuntimeSessionStarted(EventBase, frozen=True, kw_only=True):
    """A runtime agent joined the notebook."""

    event_name: ClassVar[str] = "v1.RuntimeSessionStarted"
    session_id: str
    runtime_id: str
    runtime_type: str
    capabilities: Capabilities


class RuntimeSessionRenewal(EventBase, frozen=True, kw_only=True):
    """A runtime agent says that it is still there."""

    event_name: ClassVar[str] = "v1.RuntimeSessionRenewal"
    session_id: str
    renewed_at: datetime
    valid_for_ms: Number


class RuntimeSessionStatusChanged(EventBase, frozen=True, kw_only=True):
    """A runtime session is ready, busy or restarting."""

    event_name: ClassVar[str] = "v1.RuntimeSessionStatusChanged"
    session_id: str
    status: SessionStatus


class RuntimeSessionTerminated(EventBase, frozen=True, kw_only=True):
    """A runtime session has ended."""

    event_name: ClassVar[str] = "v1.RuntimeSessionTerminated"
    session_id: str
    reason: TerminationReason


class ExecutionRequested(EventBase, frozen=True, kw_only=True):
    """Somebody wants a cell executed."""

    event_name: ClassVar[str] = "v1.ExecutionRequested"
    queue_id: str
    cell_id: str
    execution_count: WholeNumber
    requested_by: str
    actor_id: str | UnsetType = UNSET


class RequestedCell(Struct, frozen=True, kw_only=True, rename="camel"):
    """One cell of a `MultipleExecutionRequested`."""

    id: str
    execution_count: WholeNumber
    queue_id: str


class MultipleExecutionRequested(EventBase, frozen=True, kw_only=True):
    """Somebody wants several cells executed, in this order."""

    event_name: ClassVar[str] = "v1.MultipleExecutionRequested"
    requested_by: str
    cells_info: list[RequestedCell]


class ExecutionAssigned(EventBase, frozen=True, kw_only=True):
    """A runtime session claims an execution."""

    event_name: ClassVar[str] = "v1.ExecutionAssigned"
    queue_id: str
    runtime_session_id: str


class ExecutionStarted(EventBase, frozen=True, kw_only=True):
    """The cell's code begins to run."""

    event_name: ClassVar[str] = "v1.ExecutionStarted"
    queue_id: str
    cell_id: str
    runtime_session_id: str
    started_at: datetime


class ExecutionCompleted(EventBase, frozen=True, kw_only=True):
    """An execution is over."""

    event_name: ClassVar[str] = "v1.ExecutionCompleted"
    queue_id: str
    cell_id: str
    status: ExecutionOutcome
    error: str | UnsetType = UNSET
    completed_at: datetime
    execution_duration_ms: WholeNumber


class ExecutionCancelled(EventBase, frozen=True, kw_only=True):
    """Somebody withdraws one execution."""

    event_name: ClassVar[str] = "v1.ExecutionCancelled"
    queue_id: str
    cell_id: str
    cancelled_by: str
    actor_id: str | UnsetType = UNSET
    reason: str


class AllExecutionsCancelled(EventBase, frozen=True, kw_only=True):
    """Somebody withdraws every execution; the one event without arguments."""

    event_name: ClassVar[str] = "v1.AllExecutionsCancelled"


class ToolApprovalRequested(EventBase, frozen=True, kw_only=True):
    """An AI cell asks whether it may call a tool."""

    event_name: ClassVar[str] = "v1.ToolApprovalRequested"
    tool_call_id: str
    cell_id: str
    tool_name: str
    arguments: dict[str, Any]
    requested_at: datetime


class ToolApprovalResponded(EventBase, frozen=True, kw_only=True):
    """A person answers such a question."""

    event_name: ClassVar[str] = "v1.ToolApprovalResponded"
    tool_call_id: str
    status: ApprovalStatus
    approved_by: str
    responded_at: datetime
