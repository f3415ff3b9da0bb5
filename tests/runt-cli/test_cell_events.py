from runt_cli._cell_events import (
    cancel_event,
    creation_events,
    place_cells,
    request_event,
)
from runt_cli._notebook_file import SourceCell
from runt_protocol import CellCreatedV2, ExecutionRequested, NotebookState, encode_event

CELLS = [
    SourceCell(id="title", kind="markdown", source="# Hello", may_raise=False),
    SourceCell(id="sum", kind="code", source="1 + 1", may_raise=False),
]


def add_all(state: NotebookState) -> list[str]:
    placed = place_cells(CELLS, state)
    for event in creation_events(placed, state, user_id="me"):
        encode_event(event)  # what no peer could read would raise here
        state.apply(event)
    return [cell.cell_id for cell in placed]


def test_cells_keep_their_ids_order_and_source() -> None:
    state = NotebookState()
    assert add_all(state) == ["title", "sum"]
    assert [
        (cell.id, cell.cell_type, cell.source, cell.created_by)
        for cell in state.ordered_cells()
    ] == [("title", "markdown", "# Hello", "me"), ("sum", "code", "1 + 1", "me")]


def test_cells_go_behind_those_that_exist_and_never_take_their_ids() -> None:
    state = NotebookState()
    state.apply(
        CellCreatedV2(id="sum", fractional_index="zz", cell_type="ai", created_by="x")
    )
    first = add_all(state)
    second = add_all(state)
    order = [cell.id for cell in state.ordered_cells()]
    assert order == ["sum", *first, *second]
    assert len(set(order)) == 5
    assert state.cells["sum"].cell_type == "ai"


def test_an_execution_is_requested_and_withdrawn_by_one_queue_id() -> None:
    state = NotebookState()
    add_all(state)
    (_, cell) = place_cells(CELLS, NotebookState())
    request = request_event(cell, execution_count=3, user_id="me")
    assert isinstance(request, ExecutionRequested)
    state.apply(request)
    assert state.cells["sum"].execution_count == 3
    state.apply(cancel_event(request))
    assert state.execution_queue[request.queue_id].status == "cancelled"
