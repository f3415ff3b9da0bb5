import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_agent import Limits
from runt_agent._gather import Gatherer
from runt_worker import (
    ClearOutput,
    DisplayData,
    Error,
    ExecuteResult,
    Output,
    Stream,
    UpdateDisplayData,
)

LIMITS = Limits(output_interval_s=0.1, slow_output_after=3, slow_output_interval_s=1.0)


def out(text: str) -> Stream:
    return Stream(name="stdout", text=text)


def err(text: str) -> Stream:
    return Stream(name="stderr", text=text)


def display(text: str, display_id: str | None = None) -> DisplayData:
    return DisplayData(data={"text/plain": text}, metadata={}, display_id=display_id)


def update(text: str, display_id: str) -> UpdateDisplayData:
    return UpdateDisplayData(
        data={"text/plain": text}, metadata={}, display_id=display_id
    )


def result(text: str) -> ExecuteResult:
    return ExecuteResult(data={"text/plain": text}, metadata={}, execution_count=1)


def gathered(*messages: Output) -> list[Output]:
    gatherer = Gatherer(LIMITS)
    for message in messages:
        gatherer.receive(message)
    return gatherer.take(0.0)


def test_text_of_one_stream_is_joined() -> None:
    assert gathered(out("a"), out("b"), err("c"), out("d"), out("e")) == [
        out("ab"),
        err("c"),
        out("de"),
    ]


def test_other_output_between_keeps_texts_apart() -> None:
    assert gathered(out("a"), display("d"), out("b")) == [
        out("a"),
        display("d"),
        out("b"),
    ]


def test_a_later_update_of_a_display_replaces_an_earlier_one() -> None:
    assert gathered(update("1", "x"), update("1", "y"), out("a"), update("2", "x")) == [
        update("1", "y"),
        out("a"),
        update("2", "x"),
    ]


@pytest.mark.parametrize("wait", [True, False])
def test_a_clear_drops_what_it_would_clear(wait: bool) -> None:  # noqa: FBT001 - a case
    error = Error(ename="E", evalue="", traceback=[])
    clear = ClearOutput(wait=wait)

    assert gathered(out("a"), display("b"), result("c"), error, clear, out("new")) == [
        clear,
        out("new"),
    ]


def test_a_clear_keeps_updates_of_displays_that_other_cells_may_show() -> None:
    assert gathered(update("1", "x"), display("2", "y"), ClearOutput(wait=True)) == [
        update("1", "x"),
        update("2", "y"),
        ClearOutput(wait=True),
    ]


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_of_two_clears_the_one_that_does_not_wait_remains(
    first: bool,  # noqa: FBT001 - a case
    second: bool,  # noqa: FBT001 - a case
    both: bool,  # noqa: FBT001 - a case
) -> None:
    assert gathered(ClearOutput(wait=first), ClearOutput(wait=second)) == [
        ClearOutput(wait=both)
    ]


def test_the_first_batch_is_due_at_once_and_the_others_after_an_interval() -> None:
    gatherer = Gatherer(LIMITS)
    assert gatherer.next_batch_at() < 0

    due: list[float] = []
    for now in (10.0, 20.0, 30.0, 40.0):
        gatherer.receive(out("a"))
        gatherer.take(now)
        due.append(gatherer.next_batch_at() - now)

    assert due == pytest.approx([0.1, 0.1, 1.0, 1.0])


def test_taking_nothing_postpones_nothing() -> None:
    gatherer = Gatherer(LIMITS)

    assert gatherer.take(10.0) == []
    assert gatherer.next_batch_at() < 10.0


STREAMS = st.lists(
    st.builds(
        Stream, name=st.sampled_from(["stdout", "stderr"]), text=st.text(max_size=3)
    )
)


@given(STREAMS, st.integers(0, 20))
def test_no_text_is_lost_wherever_batches_are_cut(
    messages: list[Stream], cut: int
) -> None:
    gatherer = Gatherer(LIMITS)
    taken: list[Output] = []
    for number, message in enumerate(messages):
        gatherer.receive(message)
        if number == cut:
            taken += gatherer.take(float(number))
    taken += gatherer.take(1000.0)

    for name in ("stdout", "stderr"):
        assert text_of(taken, name) == text_of(messages, name)


def text_of(messages: list[Stream] | list[Output], name: str) -> str:
    return "".join(
        message.text
        for message in messages
        if isinstance(message, Stream) and message.name == name
    )
