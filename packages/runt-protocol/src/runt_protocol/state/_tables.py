"""The tables of a notebook and how they are printed."""

from typing import Any, Final

import msgspec

from runt_protocol._javascript import MAX_SAFE_INTEGER, json_text
from runt_protocol.state._rows import (
    ActorRow,
    CellRow,
    DebugRow,
    ExecutionRow,
    FileRow,
    JsonNull,
    MetadataRow,
    OutputDeltaRow,
    OutputRow,
    PendingClearRow,
    PresenceRow,
    Row,
    RuntimeSessionRow,
    ToolApprovalRow,
)
from runt_protocol.state._table import Change, Table

# The one table that holds nothing here: it is local to a JavaScript client.
_UI_STATE: Final = "uiState"


class Tables:
    """All tables of one notebook, with their common journal.

    Args:
        drops_orphans: Whether appended text goes with its output.
    """

    def __init__(self, *, drops_orphans: bool = False) -> None:
        self.drops_orphans = drops_orphans
        self.journal: list[Change] = []
        journal = self.journal
        self.actors = Table(ActorRow, "actors", "id", journal)
        self.cells = Table(CellRow, "cells", "id", journal, ("execution_state",))
        self.debug = Table(DebugRow, "debug", "id", journal)
        self.execution_queue = Table(
            ExecutionRow, "executionQueue", "id", journal, ("status",)
        )
        self.files = Table(FileRow, "files", "file_name", journal)
        self.notebook_metadata = Table(MetadataRow, "notebookMetadata", "key", journal)
        self.output_deltas = Table(
            OutputDeltaRow, "output_deltas", "id", journal, ("output_id",)
        )
        self.outputs = Table(
            OutputRow, "outputs", "id", journal, ("cell_id", "display_id")
        )
        self.pending_clears = Table(
            PendingClearRow, "pendingClears", "cell_id", journal
        )
        self.presence = Table(PresenceRow, "presence", "user_id", journal)
        self.runtime_sessions = Table(
            RuntimeSessionRow, "runtimeSessions", "session_id", journal
        )
        self.tool_approvals = Table(
            ToolApprovalRow, "toolApprovals", "tool_call_id", journal
        )

    def printed(self) -> dict[str, list[dict[str, object]]]:
        """Give every table as SQLite would: rows by primary key, plain values."""
        tables: tuple[Table[Any], ...] = (
            self.actors,
            self.cells,
            self.debug,
            self.execution_queue,
            self.files,
            self.notebook_metadata,
            self.output_deltas,
            self.outputs,
            self.pending_clears,
            self.presence,
            self.runtime_sessions,
            self.tool_approvals,
        )
        return {
            table.name: [_printed(table[key]) for key in sorted(table)]
            for table in tables
        } | {_UI_STATE: []}


def _printed(row: Row) -> dict[str, object]:
    return {
        column: _json_column(value, row.json_columns[field])
        if field in row.json_columns
        else _plain(value)
        for field, column, value in zip(
            row.__struct_fields__,
            row.__struct_encode_fields__,
            msgspec.structs.astuple(row),
            strict=True,
        )
    }


def _json_column(value: object, null: JsonNull) -> str | None:
    return null if value is None else json_text(msgspec.to_builtins(value))


def _plain(value: object) -> object:
    """Booleans are stored as 0 and 1, and JavaScript prints `1.0` as `1`."""
    if isinstance(value, bool):
        return int(value)
    if (
        isinstance(value, float)
        and value.is_integer()
        and abs(value) <= MAX_SAFE_INTEGER
    ):
        return int(value)
    return value
