from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from runt_agent import Limits
from runt_agent._outputs import CellOutputs
from runt_protocol import (
    CellCreatedV2,
    CellOutputsCleared,
    ErrorOutputAdded,
    Event,
    Inline,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    MultimediaResultOutputAdded,
    NotebookState,
    TerminalOutputAdded,
    TerminalOutputAppendedV2,
    encode_event,
)

PLAIN: Any = {"text/plain": Inline(data="x")}


def outputs_of_cell(limits: Limits | None = None) -> CellOutputs:
    return CellOutputs(
        cell_id="c", id_prefix="o", cleared_by="runtime-r", limits=limits or Limits()
    )


def test_text_of_one_stream_is_one_output_with_deltas() -> None:
    outputs = outputs_of_cell()

    events = [
        *outputs.stream("stdout", "one\n"),
        *outputs.stream("stdout", "two\n"),
        *outputs.stream("stdout", "three\n"),
    ]

    assert events == [
        TerminalOutputAdded(
            id="o-0",
            cell_id="c",
            position=0,
            content=Inline(data="one\n"),
            stream_name="stdout",
        ),
        TerminalOutputAppendedV2(
            id="o-0-0", output_id="o-0", delta="two\n", sequence_number=0
        ),
        TerminalOutputAppendedV2(
            id="o-0-1", output_id="o-0", delta="three\n", sequence_number=1
        ),
    ]


def test_the_other_stream_and_any_other_output_begin_a_new_one() -> None:
    outputs = outputs_of_cell()

    events = [
        *outputs.stream("stdout", "a"),
        *outputs.stream("stderr", "b"),
        *outputs.stream("stdout", "c"),
        *outputs.display(PLAIN, None),
        *outputs.stream("stdout", "d"),
        *outputs.result(PLAIN, 7),
        *outputs.error("E", "e", []),
    ]

    assert [(type(event), getattr(event, "position", None)) for event in events] == [
        (TerminalOutputAdded, 0),
        (TerminalOutputAdded, 1),
        (TerminalOutputAdded, 2),
        (MultimediaDisplayOutputAdded, 3),
        (TerminalOutputAdded, 4),
        (MultimediaResultOutputAdded, 5),
        (ErrorOutputAdded, 6),
    ]


def test_an_update_takes_no_position_and_ends_no_text() -> None:
    outputs = outputs_of_cell()

    events = [
        *outputs.stream("stdout", "a"),
        *outputs.update_display(PLAIN, "d"),
        *outputs.stream("stdout", "b"),
    ]

    assert events[1] == MultimediaDisplayOutputUpdated(
        display_id="d", representations=PLAIN
    )
    assert isinstance(events[2], TerminalOutputAppendedV2)


def test_after_a_clear_positions_begin_again_with_new_ids() -> None:
    outputs = outputs_of_cell()

    before = outputs.stream("stdout", "a")
    clear = outputs.clear(wait=True)
    after = outputs.stream("stdout", "b")

    assert clear == [CellOutputsCleared(cell_id="c", wait=True, cleared_by="runtime-r")]
    [first], [second] = before, after
    assert isinstance(first, TerminalOutputAdded)
    assert isinstance(second, TerminalOutputAdded)
    assert (first.position, second.position) == (0, 0)
    assert first.id != second.id


def test_a_display_keeps_its_display_id_and_has_none_otherwise() -> None:
    outputs = outputs_of_cell()

    [named] = outputs.display(PLAIN, "d")
    [unnamed] = outputs.display(PLAIN, None)

    assert '"displayId":"d"' in text_of(named)
    assert "displayId" not in text_of(unnamed)


def test_a_long_text_is_split_between_characters() -> None:
    outputs = outputs_of_cell(Limits(max_text_chars=3))

    events = outputs.stream("stdout", "ab😀cd漢e")

    assert [shown_text(event) for event in events] == ["ab😀", "cd漢", "e"]


def test_an_empty_text_is_no_event() -> None:
    assert outputs_of_cell().stream("stdout", "") == []


def test_even_the_worst_text_makes_events_within_the_limit() -> None:
    outputs = outputs_of_cell()

    # A control character needs six bytes in JSON.
    events = outputs.stream("stdout", "\x01" * 1_000_000)

    assert max(len(text_of(event).encode()) for event in events) <= 899_000


def test_an_enormous_error_is_cut_but_stays_readable() -> None:
    outputs = outputs_of_cell()

    [event] = outputs.error(
        "E" * 5_000, "begin" + "\x01" * 10**6 + "end", ["first", "\x01" * 10**6, "last"]
    )

    assert len(text_of(event).encode()) <= 899_000
    assert isinstance(event, ErrorOutputAdded)
    assert isinstance(event.content, Inline)
    content = cast("dict[str, Any]", event.content.data)
    assert content["evalue"].startswith("begin")
    assert content["evalue"].endswith("end")
    assert (content["traceback"][0], content["traceback"][-1]) == ("first", "last")
    assert "characters left out" in "".join(content["traceback"])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["stdout", "stderr"]), st.text("ab\r\n", max_size=4)),
        st.sampled_from(["display", "result", "error", "clear"]),
    ),
    max_size=15,
)


@given(STEPS)
def test_the_tables_show_the_outputs_in_their_order(
    steps: list[tuple[Any, str] | str],
) -> None:
    outputs = outputs_of_cell(Limits(max_text_chars=2))
    state = NotebookState()
    state.apply(
        CellCreatedV2(
            id="c", fractional_index="a0", cell_type="code", created_by="someone"
        )
    )
    expected: list[str] = []

    for step in steps:
        events: list[Event] = []
        match step:
            case (name, text):
                events = outputs.stream(name, text)
                if events and (not expected or expected[-1] != name):
                    expected.append(name)
            case "display":
                events = outputs.display(PLAIN, None)
                expected.append("multimedia_display")
            case "result":
                events = outputs.result(PLAIN, 1)
                expected.append("multimedia_result")
            case "error":
                events = outputs.error("E", "", [])
                expected.append("error")
            case _:
                events = outputs.clear(wait=False)
                expected.clear()
        for event in events:
            state.apply(event)

    shown = state.outputs_of("c")
    assert [row.stream_name or row.output_type for row in shown] == expected
    assert [row.position for row in shown] == list(range(len(expected)))


def text_of(event: Event) -> str:
    return encode_event(event).args_text or ""


def shown_text(event: Event) -> object:
    if isinstance(event, TerminalOutputAppendedV2):
        return event.delta
    assert isinstance(event, TerminalOutputAdded)
    assert isinstance(event.content, Inline)
    return event.content.data
