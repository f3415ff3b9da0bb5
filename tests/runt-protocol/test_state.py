"""What a reader of the state sees, and what undo gives back."""

from datetime import UTC, datetime
from time import perf_counter

import pytest

from runt_protocol import (
    EVENT_TYPES,
    AllExecutionsCancelled,
    AllOutputsCleared,
    Artifact,
    CellCreatedV1,
    CellCreatedV2,
    CellOutputsCleared,
    CellSourceChanged,
    Event,
    ExecutionAssigned,
    ExecutionRequested,
    FileUploaded,
    Inline,
    MarkdownOutputAdded,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    NotebookMetadataSet,
    NotebookState,
    NotebookTitleChanged,
    PresenceSet,
    ReusedIdError,
    RuntimeSessionRenewal,
    RuntimeSessionStarted,
    TerminalOutputAdded,
    TerminalOutputAppendedV1,
    TerminalOutputAppendedV2,
)
from runt_protocol.events import ActorProfileSet, Capabilities, ToolApprovalRequested
from runt_protocol.state._notebook_state import MATERIALISERS

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def cell(cell_id: str, index: str = "m") -> CellCreatedV2:
    return CellCreatedV2(
        id=cell_id, fractional_index=index, cell_type="code", created_by="u"
    )


def printed(
    output_id: str, text: str = "x", position: float = 0
) -> TerminalOutputAdded:
    return TerminalOutputAdded(
        id=output_id,
        cell_id="c",
        position=position,
        content=Inline(data=text),
        stream_name="stdout",
    )


def shown(output_id: str, text: str) -> MultimediaDisplayOutputAdded:
    return MultimediaDisplayOutputAdded(
        id=output_id,
        cell_id="c",
        position=0,
        representations={"text/plain": Inline(data=text)},
        display_id="d",
    )


def appended(
    delta_id: str, number: int, text: str, output_id: str = "o"
) -> TerminalOutputAppendedV2:
    return TerminalOutputAppendedV2(
        id=delta_id, output_id=output_id, delta=text, sequence_number=number
    )


def requested(queue_id: str) -> ExecutionRequested:
    return ExecutionRequested(
        queue_id=queue_id, cell_id="c", execution_count=1, requested_by="u"
    )


def state_after(*events: Event) -> NotebookState:
    state = NotebookState()
    for event in events:
        state.apply(event)
    return state


def test_every_event_has_a_materialiser() -> None:
    assert set(MATERIALISERS) == set(EVENT_TYPES.values())


def test_cells_are_ordered_by_index_then_id() -> None:
    state = state_after(
        cell("z", "b"),
        cell("y", "a"),
        cell("x", "b"),
        CellCreatedV1(id="w", cell_type="code", position=0, created_by="u"),
        cell("v", "B"),
    )
    assert [row.id for row in state.ordered_cells()] == ["v", "y", "w", "x", "z"]
    assert state.cells["w"].fractional_index == "a0"


def test_outputs_are_ordered_by_position_then_id() -> None:
    state = state_after(
        printed("b", position=10), printed("a", position=10), printed("z", position=9.5)
    )
    assert [row.id for row in state.outputs_of("c")] == ["z", "a", "b"]
    assert state.outputs_of("none") == []
    assert set(state.outputs) == {"a", "b", "z"}


def test_text_is_data_and_the_deltas_in_their_order() -> None:
    state = state_after(
        appended("1", 10, "d"), printed("o", "a"), appended("2", 9, "c")
    )
    append = TerminalOutputAppendedV1(output_id="o", content=Inline(data="b"))
    state.apply(append)
    assert state.text_of(state.outputs["o"]) == "abcd"


def test_an_artifact_adds_no_text() -> None:
    uploaded = Artifact(artifact_id="a")
    state = state_after(
        MarkdownOutputAdded(id="o", cell_id="c", position=0, content=uploaded),
        TerminalOutputAppendedV1(output_id="o", content=uploaded),
    )
    assert state.text_of(state.outputs["o"]) == ""
    assert state.outputs["o"].artifact_id == "a"


def test_the_queue_keeps_the_order_of_the_requests_over_undo() -> None:
    state = state_after(requested("z"), requested("y"))
    undo = state.apply(ExecutionAssigned(queue_id="z", runtime_session_id="s"))
    state.revert(undo)
    state.apply(requested("x"))
    assert list(state.execution_queue) == ["z", "y", "x"]
    assert state.execution_queue["z"].status == "pending"


def test_the_other_tables_are_there_to_read() -> None:
    can = Capabilities(
        can_execute_code=True, can_execute_sql=False, can_execute_ai=False
    )
    state = state_after(
        NotebookTitleChanged(title="t"),
        NotebookMetadataSet(key="k", value="v"),
        PresenceSet(user_id="u", cell_id="c"),
        CellOutputsCleared(cell_id="c", wait=True, cleared_by=""),
        RuntimeSessionStarted(
            session_id="s", runtime_id="r", runtime_type="t", capabilities=can
        ),
        FileUploaded(
            artifact_id="a",
            mime_type="text/csv",
            file_name="f",
            created_at=NOON,
            created_by="u",
        ),
        ActorProfileSet(id="u", type="human", display_name="U"),
        ToolApprovalRequested(
            tool_call_id="t",
            cell_id="c",
            tool_name="n",
            arguments={},
            requested_at=NOON,
        ),
    )
    assert state.metadata == {"title": "t", "k": "v"}
    assert state.presence["u"].cell_id == "c"
    assert set(state.pending_clears) == {"c"}
    assert state.runtime_sessions["s"].is_active
    assert state.files["f"].created_at == "2025-06-01T12:00:00.000Z"
    assert state.actors["u"].display_name == "U"
    assert state.tool_approvals["t"].status == "pending"
    assert len(state.presence) == 1


def test_texts_are_as_the_clients_sqlite_gives_them_back() -> None:
    state = state_after(cell("c\0x"), cell("d"), printed("o\0", "a\ud83db"))
    state.apply(CellSourceChanged(id="c\0y", source="é\0z", modified_by="u\0"))
    assert [row.id for row in state.ordered_cells()] == ["c", "d"]
    assert state.cells["c"].source == "é"
    assert state.presence["u"].cell_id == "c"
    assert state.outputs["o"].data == "a\ufffdb"


def test_a_text_in_a_json_column_is_whole() -> None:
    can = Capabilities(
        can_execute_code=True,
        can_execute_sql=False,
        can_execute_ai=False,
        available_ai_models="a\0\ud83d",
    )
    state = state_after(
        RuntimeSessionStarted(
            session_id="s", runtime_id="r", runtime_type="t", capabilities=can
        )
    )
    (row,) = state.tables()["runtimeSessions"]
    assert row["availableAiModels"] == r'"a\u0000\ud83d"'


def test_a_reused_delta_id_is_refused_and_changes_nothing() -> None:
    state = state_after(appended("1", 0, "a"))
    before = state.tables()
    with pytest.raises(ReusedIdError, match="output_deltas") as caught:
        state.apply(appended("1", 1, "b"))
    assert (caught.value.table, caught.value.key) == ("output_deltas", "1")
    assert state.tables() == before


def test_an_event_that_fails_halfway_changes_nothing() -> None:
    state = state_after(
        printed("o"), CellOutputsCleared(cell_id="c", wait=True, cleared_by="u")
    )
    before = state.tables()
    # Decoding would have refused it; here it fails behind the pending clear.
    unprintable = Inline(data={"toString": 1})
    with pytest.raises(TypeError):
        state.apply(
            MarkdownOutputAdded(id="p", cell_id="c", position=0, content=unprintable)
        )
    assert state.tables() == before
    state.revert(state.apply(printed("q")))
    assert state.tables() == before


def test_displays_of_one_id_change_together_and_back() -> None:
    state = state_after(shown("1", "a"), shown("2", "b"))
    assert [row.data for row in state.outputs_of("c")] == ["b", "b"]
    update = MultimediaDisplayOutputUpdated(
        display_id="d", representations={"text/html": Inline(data="<p>")}
    )
    undo = state.apply(update)
    assert {row.mime_type for row in state.outputs_of("c")} == {"text/html"}
    state.revert(undo)
    assert [row.data for row in state.outputs_of("c")] == ["b", "b"]


def test_undo_goes_backwards_through_the_changes_of_one_event() -> None:
    state = state_after(shown("1", "a"))
    undo = state.apply(shown("1", "b"))  # updates the row, then replaces it
    state.revert(undo)
    assert [row.data for row in state.outputs_of("c")] == ["a"]


def test_clearing_and_cancelling_everything_can_be_undone() -> None:
    state = state_after(
        cell("c"),
        requested("q"),
        printed("o"),
        CellOutputsCleared(cell_id="c", wait=True, cleared_by="u"),
    )
    before = state.tables()
    undos = [
        state.apply(AllOutputsCleared(cleared_by="u")),
        state.apply(AllExecutionsCancelled()),
    ]
    assert state.cells["c"].execution_state == "idle"
    assert not state.outputs
    assert not state.pending_clears
    for undo in reversed(undos):
        state.revert(undo)
    assert state.tables() == before


def test_texts_are_stored_as_sqlite_does() -> None:
    state = state_after(
        cell("c\0hidden"),
        CellSourceChanged(id="c", source="a\ud83dé\0b", modified_by="u"),
    )
    assert state.cells["c"].source == "a\ufffdé"
    assert state.cells["c\0other"] is state.cells["c"]
    assert "c\0x" in state.cells


def test_numbers_are_printed_as_javascript_prints_them() -> None:
    state = state_after(printed("o", position=2.0), printed("p", position=0.5))
    positions = [row["position"] for row in state.tables()["outputs"]]
    assert [str(position) for position in positions] == ["2", "0.5"]


def test_a_session_can_expire_after_the_year_9999() -> None:
    can = Capabilities(
        can_execute_code=True, can_execute_sql=False, can_execute_ai=False
    )
    state = state_after(
        RuntimeSessionStarted(
            session_id="s", runtime_id="r", runtime_type="t", capabilities=can
        ),
        RuntimeSessionRenewal(session_id="s", renewed_at=NOON, valid_for_ms=1e15),
    )
    assert state.runtime_sessions["s"].expires_at == "+033714-02-26T13:46:40.000Z"


@pytest.mark.parametrize("clearing", [CellOutputsCleared, AllOutputsCleared])
def test_text_that_nobody_can_see_any_more_is_forgotten_if_wished(
    clearing: type[Event],
) -> None:
    state = NotebookState(drops_orphans=True)
    for run in range(10):
        if clearing is AllOutputsCleared:
            state.apply(AllOutputsCleared(cleared_by="agent"))
        else:
            state.apply(CellOutputsCleared(cell_id="c", wait=False, cleared_by="agent"))
        state.apply(
            TerminalOutputAdded(
                id=f"o{run}",
                cell_id="c",
                position=0,
                content=Inline(data="first"),
                stream_name="stdout",
            )
        )
        for part in range(3):
            state.apply(appended(f"{run}-{part}", part, f"{part},", f"o{run}"))
    state.apply(appended("late", 4, "late", "o0"))  # its output is gone

    [output] = state.outputs.values()
    assert state.text_of(output) == "first0,1,2,"
    assert len(state.tables()["output_deltas"]) == 3


def test_the_cost_of_an_event_does_not_grow_with_the_notebook() -> None:
    state = state_after(cell("c"))
    start = perf_counter()
    for number in range(20_000):
        state.apply(printed(f"o{number}", position=number))
        if number % 50 == 0:
            state.apply(CellOutputsCleared(cell_id="c", wait=False, cleared_by="u"))
        state.apply(appended(f"d{number}", number, "x"))
    # About 0.3 s; a scan of the tables with each event would take minutes.
    assert perf_counter() - start < 10
