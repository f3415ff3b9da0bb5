"""The cells of a notebook file as events: created behind all others, then executed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import uuid4

from runt_cli._fractional_index import indexes_after
from runt_cli._notebook_file import SourceCell
from runt_protocol import (
    CellCreatedV2,
    CellSourceChanged,
    Event,
    ExecutionCancelled,
    ExecutionRequested,
    NotebookState,
)


@dataclass(frozen=True, kw_only=True)
class PlacedCell:
    """A cell of the file and its twin in the notebook.

    Attributes:
        source: The cell of the file.
        cell_id: The twin's id.
    """

    source: SourceCell
    cell_id: str


def place_cells(cells: Sequence[SourceCell], state: NotebookState) -> list[PlacedCell]:
    """Choose an id for each cell's twin: its own, unless that is taken.

    Args:
        cells: The cells of the file.
        state: The notebook that they join.
    """
    return [
        PlacedCell(source=cell, cell_id=_free_id(cell.id, state.cells))
        for cell in cells
    ]


def creation_events(
    cells: Sequence[PlacedCell], state: NotebookState, *, user_id: str
) -> list[Event]:
    """Make the events that add cells at the end of a notebook.

    Args:
        cells: The cells, in order.
        state: The notebook that they join.
        user_id: Who adds them.
    """
    taken = [cell.fractional_index for cell in state.ordered_cells()]
    indexes = indexes_after(taken[-1] if taken else None, len(cells))
    events: list[Event] = []
    for cell, index in zip(cells, indexes, strict=True):
        events += [
            CellCreatedV2(
                id=cell.cell_id,
                fractional_index=index,
                cell_type=cell.source.kind,
                created_by=user_id,
            ),
            CellSourceChanged(
                id=cell.cell_id, source=cell.source.source, modified_by=user_id
            ),
        ]
    return events


def request_event(
    cell: PlacedCell, *, execution_count: int, user_id: str
) -> ExecutionRequested:
    """Make the event that asks for a cell's execution."""
    return ExecutionRequested(
        queue_id=f"exec-{uuid4()}",
        cell_id=cell.cell_id,
        execution_count=execution_count,
        requested_by=user_id,
    )


def cancel_event(request: ExecutionRequested) -> ExecutionCancelled:
    """Make the event that withdraws an execution."""
    return ExecutionCancelled(
        queue_id=request.queue_id,
        cell_id=request.cell_id,
        cancelled_by=request.requested_by,
        reason="the client that asked for it was stopped",
    )


def _free_id(wanted: str, taken: Collection[str]) -> str:
    return wanted if wanted not in taken else f"{wanted}-{uuid4().hex[:8]}"
