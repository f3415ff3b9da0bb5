"""The rows of the notebook's tables, as the JavaScript clients' SQLite holds them.

A field stands for the column of the same name in camel case. Columns of JSON text hold
the value itself until `tables()` prints it.
"""

from typing import Any, ClassVar, Literal, TypeAlias

from msgspec import Struct

from runt_protocol._media import Representations
from runt_protocol.events import (
    ActorType,
    AiSettings,
    ApprovalStatus,
    CellType,
    SessionStatus,
    StreamName,
)
from runt_protocol.events._base import Number

ExecutionState: TypeAlias = Literal["idle", "queued", "running", "completed", "error"]
OutputType: TypeAlias = Literal[
    "multimedia_display", "multimedia_result", "terminal", "markdown", "error"
]
QueueStatus: TypeAlias = Literal[
    "pending", "assigned", "executing", "completed", "failed", "cancelled"
]
JsonNull: TypeAlias = Literal["null"] | None


class Row(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The base of every row; values of JSON hold no cycles, so none needs the GC.

    Attributes:
        json_columns: The fields that are printed as JSON text, each with what the
            clients store for None: the text `null`, or an SQL NULL.
    """

    json_columns: ClassVar[dict[str, JsonNull]] = {}


class CellRow(Row, frozen=True, kw_only=True):
    """A cell of the notebook."""

    json_columns: ClassVar[dict[str, JsonNull]] = {"ai_settings": None}
    id: str
    cell_type: CellType
    source: str = ""
    fractional_index: str
    execution_count: int | None = None
    execution_state: ExecutionState = "idle"
    assigned_runtime_session: str | None = None
    last_execution_duration_ms: int | None = None
    sql_connection_id: str | None = None
    sql_result_variable: str | None = None
    ai_provider: str | None = None
    ai_model: str | None = None
    ai_settings: AiSettings | None = None
    source_visible: bool = True
    output_visible: bool = True
    ai_context_visible: bool = True
    created_by: str


class OutputRow(Row, frozen=True, kw_only=True):
    """An output of a cell.

    Attributes:
        data: The text of the primary representation; for a terminal or Markdown
            output without its deltas, for an error the JSON text of the exception.
    """

    json_columns: ClassVar[dict[str, JsonNull]] = {
        "metadata": "null",
        "representations": None,
    }
    id: str
    cell_id: str
    output_type: OutputType
    position: Number
    stream_name: StreamName | None = None
    execution_count: int | None = None
    display_id: str | None = None
    data: str | None = None
    artifact_id: str | None = None
    mime_type: str
    metadata: dict[str, Any] | None = None
    representations: Representations | None = None


class OutputDeltaRow(Row, frozen=True, kw_only=True):
    """Text that is shown behind an output's data."""

    id: str
    output_id: str
    delta: str
    sequence_number: int


class PendingClearRow(Row, frozen=True, kw_only=True):
    """A cell whose outputs go when its next output comes."""

    cell_id: str
    cleared_by: str


class ExecutionRow(Row, frozen=True, kw_only=True):
    """An entry of the execution queue."""

    id: str
    cell_id: str
    execution_count: int
    requested_by: str
    status: QueueStatus = "pending"
    assigned_runtime_session: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    execution_duration_ms: int | None = None


class RuntimeSessionRow(Row, frozen=True, kw_only=True):
    """A runtime agent's stay in the notebook."""

    json_columns: ClassVar[dict[str, JsonNull]] = {"available_ai_models": "null"}
    session_id: str
    runtime_id: str
    runtime_type: str
    status: SessionStatus | Literal["starting", "terminated"] = "starting"
    is_active: bool = True
    can_execute_code: bool
    can_execute_sql: bool
    can_execute_ai: bool
    available_ai_models: Any = None
    last_renewed_at: str | None = None
    expires_at: str | None = None


class MetadataRow(Row, frozen=True, kw_only=True):
    """An entry of the notebook's metadata, such as its title."""

    key: str
    value: str


class PresenceRow(Row, frozen=True, kw_only=True):
    """The cell in which a user is."""

    user_id: str
    cell_id: str | None


class FileRow(Row, frozen=True, kw_only=True):
    """An uploaded file."""

    file_name: str
    mime_type: str
    artifact_id: str
    file_url: str | None
    created_at: str
    created_by: str
    deleted_at: str | None = None


class ActorRow(Row, frozen=True, kw_only=True):
    """A person or an agent as it wants to be shown."""

    id: str
    type: ActorType
    display_name: str
    avatar: str | None


class ToolApprovalRow(Row, frozen=True, kw_only=True):
    """A question of an AI cell whether it may call a tool."""

    tool_call_id: str
    cell_id: str
    tool_name: str
    status: ApprovalStatus | Literal["pending"] = "pending"
    approved_by: str | None = None
    requested_at: str
    responded_at: str | None = None


class DebugRow(Row, frozen=True, kw_only=True):
    """A mark that somebody left for debugging."""

    id: str
    version: str = "1"
