"""The outputs of a cell as a notebook's state holds them, ready to show or save."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET

from runt_protocol import Artifact, Inline, NotebookState, OutputRow


@dataclass(frozen=True, kw_only=True)
class StreamOutput:
    """Text that the cell printed.

    Attributes:
        id: The output's id in the notebook.
        name: `stdout` or `stderr`.
        text: All of it so far.
    """

    id: str
    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class MediaOutput:
    """A display, or the value of the cell's last expression.

    Attributes:
        id: The output's id in the notebook.
        representations: What it consists of, by MIME type.
        execution_count: The number of the execution, for a value only.
    """

    id: str
    representations: Mapping[str, Inline | Artifact]
    execution_count: int | None = None

    @property
    def inline_data(self) -> dict[str, Any]:
        """What travelled inside the events, by MIME type."""
        return {
            mime_type: content.data
            for mime_type, content in self.representations.items()
            if isinstance(content, Inline) and content.data is not UNSET
        }

    @property
    def artifact_ids(self) -> dict[str, str]:
        """What was uploaded, by MIME type."""
        return {
            mime_type: content.artifact_id
            for mime_type, content in self.representations.items()
            if isinstance(content, Artifact)
        }


@dataclass(frozen=True, kw_only=True)
class ErrorOutput:
    """An exception that the cell did not catch.

    Attributes:
        id: The output's id in the notebook.
        ename: The name of its class.
        evalue: Its text.
        traceback: The lines of IPython's traceback.
    """

    id: str
    ename: str
    evalue: str
    traceback: tuple[str, ...]


CellOutput: TypeAlias = StreamOutput | MediaOutput | ErrorOutput


def outputs_of(state: NotebookState, cell_id: str) -> list[CellOutput]:
    """Read the outputs of a cell, in the order in which they are shown."""
    return [_read(state, row) for row in state.outputs_of(cell_id)]


def _read(state: NotebookState, row: OutputRow) -> CellOutput:
    match row.output_type:
        case "terminal":
            return StreamOutput(
                id=row.id, name=row.stream_name or "stdout", text=state.text_of(row)
            )
        case "markdown":
            return MediaOutput(
                id=row.id,
                representations={row.mime_type: Inline(data=state.text_of(row))},
            )
        case "error":
            return _read_error(row)
        case "multimedia_display" | "multimedia_result":
            return MediaOutput(
                id=row.id,
                representations=row.representations or {},
                execution_count=row.execution_count,
            )


def _read_error(row: OutputRow) -> ErrorOutput:
    data = row.data or "{}"
    try:
        raised = msgspec.convert(json.loads(data), type=_Raised)
    except msgspec.ValidationError:
        # The schema leaves the content of an error open, and other agents write it too.
        raised = _Raised(evalue=data)
    return ErrorOutput(
        id=row.id,
        ename=raised.ename,
        evalue=raised.evalue,
        traceback=tuple(raised.traceback),
    )


class _Raised(msgspec.Struct):
    ename: str = "Error"
    evalue: str = ""
    traceback: list[str] = []
