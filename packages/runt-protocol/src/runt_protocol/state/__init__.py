"""The state that a notebook's events bring about."""

from runt_protocol.state._notebook_state import NotebookState, Undo
from runt_protocol.state._rows import (
    ActorRow,
    CellRow,
    ExecutionRow,
    ExecutionState,
    FileRow,
    OutputRow,
    OutputType,
    PendingClearRow,
    PresenceRow,
    QueueStatus,
    RuntimeSessionRow,
    ToolApprovalRow,
)

__all__ = [
    "ActorRow",
    "CellRow",
    "ExecutionRow",
    "ExecutionState",
    "FileRow",
    "NotebookState",
    "OutputRow",
    "OutputType",
    "PendingClearRow",
    "PresenceRow",
    "QueueStatus",
    "RuntimeSessionRow",
    "ToolApprovalRow",
    "Undo",
]
