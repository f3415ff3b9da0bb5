"""Whatever the log holds, undo is exact and every index tells the truth."""

from hypothesis import given, settings
from hypothesis import strategies as st

from runt_protocol import (
    CellOutputsCleared,
    Event,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    NotebookState,
    ReusedIdError,
    TerminalOutputAdded,
    TerminalOutputAppendedV1,
    TerminalOutputAppendedV2,
    Undo,
    UnknownEvent,
    decode_event,
    encode_event,
)
from runt_protocol.testing import events, unknown_events

# Half of the events are about outputs: there one event touches the most rows.
OUTPUT_EVENTS = events(
    CellOutputsCleared,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    TerminalOutputAdded,
    TerminalOutputAppendedV1,
    TerminalOutputAppendedV2,
)
EVENT_LISTS = st.lists(OUTPUT_EVENTS | events() | unknown_events(), max_size=30)


def apply_if_possible(state: NotebookState, event: Event | UnknownEvent) -> Undo | None:
    try:
        return state.apply(event)
    except ReusedIdError:
        return None


def everything(state: NotebookState) -> list[object]:
    """Give all that a reader can see, the indexes behind the views included."""
    cell_ids = {output.cell_id for output in state.outputs.values()}
    return [
        state.tables(),
        list(state.execution_queue),
        list(state.runtime_sessions),
        state.ordered_cells(),
        {cell_id: state.outputs_of(cell_id) for cell_id in sorted(cell_ids)},
        {key: state.text_of(row) for key, row in state.outputs.items()},
    ]


@settings(max_examples=120, deadline=None)
@given(log=EVENT_LISTS, data=st.data(), drops_orphans=st.booleans())
def test_reverting_any_suffix_restores_the_state_exactly(
    log: list[Event | UnknownEvent],
    data: st.DataObject,
    *,
    drops_orphans: bool,
) -> None:
    state = NotebookState(drops_orphans=drops_orphans)
    undos: list[Undo] = []
    seen = [everything(state)]
    for event in log:
        undo = apply_if_possible(state, event)
        if undo is not None:
            undos.append(undo)
            seen.append(everything(state))
    kept = data.draw(st.integers(0, len(undos)))
    while len(undos) > kept:
        state.revert(undos.pop())
        assert everything(state) == seen[len(undos)]


@settings(max_examples=120, deadline=None)
@given(log=EVENT_LISTS, data=st.data())
def test_events_behind_an_undone_suffix_act_as_if_it_had_never_been(
    log: list[Event | UnknownEvent], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(log)))
    suffix = data.draw(EVENT_LISTS)
    rebased, plain = NotebookState(), NotebookState()
    for event in log[:cut]:
        apply_if_possible(rebased, event)
        apply_if_possible(plain, event)
    undos = [apply_if_possible(rebased, event) for event in suffix]
    for undo in reversed(undos):
        if undo is not None:
            rebased.revert(undo)
    for event in log[cut:]:
        apply_if_possible(rebased, event)
        apply_if_possible(plain, event)
    assert everything(rebased) == everything(plain)


@settings(max_examples=120, deadline=None)
@given(log=EVENT_LISTS)
def test_an_event_that_cannot_be_applied_changes_nothing(
    log: list[Event | UnknownEvent],
) -> None:
    state = NotebookState()
    for event in log:
        before = everything(state)
        if apply_if_possible(state, event) is None:
            assert everything(state) == before


@settings(max_examples=120, deadline=None)
@given(log=EVENT_LISTS)
def test_the_indexes_agree_with_the_tables(log: list[Event | UnknownEvent]) -> None:
    state = NotebookState()
    for event in log:
        apply_if_possible(state, event)
    for cell_id in {output.cell_id for output in state.outputs.values()}:
        by_scan = [row for row in state.outputs.values() if row.cell_id == cell_id]
        by_scan.sort(key=lambda row: (row.position, row.id))
        assert state.outputs_of(cell_id) == by_scan


@settings(max_examples=120, deadline=None)
@given(log=EVENT_LISTS)
def test_an_event_does_the_same_before_and_after_the_wire(
    log: list[Event | UnknownEvent],
) -> None:
    here, there = NotebookState(), NotebookState()
    for event in log:
        if isinstance(event, UnknownEvent):
            continue
        encoded = encode_event(event)
        apply_if_possible(here, event)
        apply_if_possible(there, decode_event(encoded.name, encoded.args_text))
    assert everything(here) == everything(there)


@settings(max_examples=120, deadline=None)
@given(log=EVENT_LISTS)
def test_dropping_orphans_changes_nothing_but_the_deltas(
    log: list[Event | UnknownEvent],
) -> None:
    whole, lean = NotebookState(), NotebookState(drops_orphans=True)
    for event in log:
        if apply_if_possible(whole, event) is not None:
            apply_if_possible(lean, event)
    rest, tables = whole.tables(), lean.tables()
    kept, deltas = rest.pop("output_deltas"), tables.pop("output_deltas")
    assert tables == rest
    assert all(delta in kept for delta in deltas)
    assert {delta["outputId"] for delta in deltas} <= set(lean.outputs)


@given(log=EVENT_LISTS, event=unknown_events())
@settings(max_examples=30, deadline=None)
def test_unknown_events_change_nothing(
    log: list[Event | UnknownEvent], event: UnknownEvent
) -> None:
    state = NotebookState()
    for known in log:
        apply_if_possible(state, known)
    before = everything(state)
    state.revert(state.apply(event))
    state.apply(event)
    assert everything(state) == before
