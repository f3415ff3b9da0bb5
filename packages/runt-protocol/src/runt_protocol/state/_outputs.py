"""What events about outputs do to the tables."""

from msgspec import UNSET

from runt_protocol._javascript import json_text
from runt_protocol._media import (
    DISPLAY_PREFERENCE,
    RESULT_PREFERENCE,
    Artifact,
    Representation,
    inline_text,
    primary_text,
)
from runt_protocol.events import (
    AllOutputsCleared,
    CellOutputsCleared,
    ErrorOutputAdded,
    MarkdownOutputAdded,
    MarkdownOutputAppendedV1,
    MarkdownOutputAppendedV2,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    MultimediaResultOutputAdded,
    TerminalOutputAdded,
    TerminalOutputAppendedV1,
    TerminalOutputAppendedV2,
)
from runt_protocol.state._registry import Family, move_presence, none_if_unset
from runt_protocol.state._rows import OutputDeltaRow, OutputRow, PendingClearRow
from runt_protocol.state._tables import Tables

materialises = Family()


@materialises(MultimediaDisplayOutputAdded)
def display_added(tables: Tables, event: MultimediaDisplayOutputAdded) -> None:
    primary = primary_text(event.representations, DISPLAY_PREFERENCE)
    mime_type, data = primary or ("text/plain", "")
    clear_if_pending(tables, event.cell_id)
    if event.display_id:
        update_displays(tables, event.display_id, event)
    tables.outputs.put(
        OutputRow(
            id=event.id,
            cell_id=event.cell_id,
            output_type="multimedia_display",
            position=event.position,
            display_id=event.display_id or None,
            data=data,
            mime_type=mime_type,
            representations=event.representations,
        )
    )


@materialises(MultimediaDisplayOutputUpdated)
def display_updated(tables: Tables, event: MultimediaDisplayOutputUpdated) -> None:
    update_displays(tables, event.display_id, event)


def update_displays(
    tables: Tables,
    display_id: str,
    event: MultimediaDisplayOutputAdded | MultimediaDisplayOutputUpdated,
) -> None:
    """Replace the content of all displays with an id, if a known type is there."""
    primary = primary_text(event.representations, DISPLAY_PREFERENCE)
    if primary is None:
        return
    mime_type, data = primary
    for output in tables.outputs.where("display_id", display_id):
        tables.outputs.update(
            output.id,
            data=data,
            mime_type=mime_type,
            representations=event.representations,
        )


@materialises(MultimediaResultOutputAdded)
def result_added(tables: Tables, event: MultimediaResultOutputAdded) -> None:
    primary = primary_text(event.representations, RESULT_PREFERENCE)
    mime_type, data = primary or ("text/plain", "")
    clear_if_pending(tables, event.cell_id)
    tables.outputs.put(
        OutputRow(
            id=event.id,
            cell_id=event.cell_id,
            output_type="multimedia_result",
            position=event.position,
            execution_count=event.execution_count,
            data=data,
            mime_type=mime_type,
            representations=event.representations,
        )
    )


@materialises(TerminalOutputAdded)
def terminal_added(tables: Tables, event: TerminalOutputAdded) -> None:
    clear_if_pending(tables, event.cell_id)
    tables.outputs.put(
        OutputRow(
            id=event.id,
            cell_id=event.cell_id,
            output_type="terminal",
            position=event.position,
            stream_name=event.stream_name,
            data=inline_text(event.content),
            artifact_id=artifact_id(event.content),
            mime_type="text/plain",
            metadata=none_if_unset(event.content.metadata),
        )
    )


@materialises(MarkdownOutputAdded)
def markdown_added(tables: Tables, event: MarkdownOutputAdded) -> None:
    clear_if_pending(tables, event.cell_id)
    tables.outputs.put(
        OutputRow(
            id=event.id,
            cell_id=event.cell_id,
            output_type="markdown",
            position=event.position,
            data=inline_text(event.content),
            artifact_id=artifact_id(event.content),
            mime_type="text/markdown",
            metadata=none_if_unset(event.content.metadata),
        )
    )


@materialises(ErrorOutputAdded)
def error_added(tables: Tables, event: ErrorOutputAdded) -> None:
    clear_if_pending(tables, event.cell_id)
    tables.outputs.put(
        OutputRow(
            id=event.id,
            cell_id=event.cell_id,
            output_type="error",
            position=event.position,
            data=error_text(event.content),
            artifact_id=artifact_id(event.content),
            mime_type="application/json",
            metadata=none_if_unset(event.content.metadata),
        )
    )


@materialises(TerminalOutputAppendedV1, MarkdownOutputAppendedV1)
def data_appended(
    tables: Tables, event: TerminalOutputAppendedV1 | MarkdownOutputAppendedV1
) -> None:
    """Lengthen an output's own text; nothing happens if the output is gone."""
    output = tables.outputs.get(event.output_id)
    if output is not None:
        data = (output.data or "") + (inline_text(event.content) or "")
        tables.outputs.update(event.output_id, data=data)


@materialises(TerminalOutputAppendedV2, MarkdownOutputAppendedV2)
def delta_appended(
    tables: Tables, event: TerminalOutputAppendedV2 | MarkdownOutputAppendedV2
) -> None:
    """Add text behind an output, whether or not there is one of that id."""
    if tables.drops_orphans and event.output_id not in tables.outputs:
        return
    tables.output_deltas.put_new(
        OutputDeltaRow(
            id=event.id,
            output_id=event.output_id,
            delta=event.delta,
            sequence_number=event.sequence_number,
        )
    )


@materialises(CellOutputsCleared)
def cell_outputs_cleared(tables: Tables, event: CellOutputsCleared) -> None:
    if event.wait:
        tables.pending_clears.put(
            PendingClearRow(cell_id=event.cell_id, cleared_by=event.cleared_by)
        )
    else:
        delete_outputs(tables, event.cell_id)
    if event.cleared_by:
        move_presence(tables, event.cleared_by, event.cell_id)


@materialises(AllOutputsCleared)
def all_outputs_cleared(tables: Tables, _event: AllOutputsCleared) -> None:
    for output_id in list(tables.outputs):
        delete_output(tables, output_id)
    for cell_id in list(tables.pending_clears):
        tables.pending_clears.delete(cell_id)


def clear_if_pending(tables: Tables, cell_id: str) -> None:
    """Carry out a clear that waited for the cell's next output."""
    if cell_id in tables.pending_clears:
        delete_outputs(tables, cell_id)
        tables.pending_clears.delete(cell_id)


def delete_outputs(tables: Tables, cell_id: str) -> None:
    """Delete a cell's outputs."""
    for output in tables.outputs.where("cell_id", cell_id):
        delete_output(tables, output.id)


def delete_output(tables: Tables, output_id: str) -> None:
    """Delete an output; its deltas stay, as they do in the clients, unless dropped."""
    tables.outputs.delete(output_id)
    if tables.drops_orphans:
        for delta in tables.output_deltas.where("output_id", output_id):
            tables.output_deltas.delete(delta.id)


def artifact_id(content: Representation) -> str | None:
    """Give the id of uploaded content, None for inline content."""
    return content.artifact_id if isinstance(content, Artifact) else None


def error_text(content: Representation) -> str | None:
    """Give the JSON text of an inline exception, None where there is none."""
    if isinstance(content, Artifact) or content.data is UNSET:
        return None
    return json_text(content.data)
