"""Events one by one: names, texts, and what is refused for which reason."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from runt_protocol import (
    EVENT_TYPES,
    AllExecutionsCancelled,
    Artifact,
    CellCreatedV1,
    CellCreatedV2,
    CellMovedV1,
    CellSourceChanged,
    CellTypeChanged,
    EncodedEvent,
    ErrorOutputAdded,
    Event,
    ExecutionCompleted,
    ExecutionRequested,
    Inline,
    InvalidEventError,
    MarkdownOutputAdded,
    MultimediaDisplayOutputAdded,
    MultimediaResultOutputAdded,
    MultipleExecutionRequested,
    NotebookState,
    RequestedCell,
    RuntimeSessionRenewal,
    TerminalOutputAdded,
    TerminalOutputAppendedV2,
    UnknownEvent,
    decode_event,
    encode_event,
)

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def completed(**changes: Any) -> ExecutionCompleted:
    event = ExecutionCompleted(
        queue_id="q",
        cell_id="c",
        status="success",
        completed_at=NOON,
        execution_duration_ms=12,
    )
    return msgspec.structs.replace(event, **changes)


def terminal(data: object) -> TerminalOutputAdded:
    return TerminalOutputAdded(
        id="o", cell_id="c", position=0, content=Inline(data=data), stream_name="stdout"
    )


def test_names_and_classes_belong_together() -> None:
    assert len(EVENT_TYPES) == 47
    for name, event_type in EVENT_TYPES.items():
        version, _, base = name.partition(".")
        assert event_type.__name__ in {base, base + version.upper()}


def test_versions_are_spelt_out_only_where_there_are_two() -> None:
    bases = [name.partition(".")[2] for name in EVENT_TYPES]
    for name, event_type in EVENT_TYPES.items():
        base = name.partition(".")[2]
        assert (bases.count(base) == 2) == bool(re.search(r"V\d$", event_type.__name__))


def test_an_event_is_written_in_the_order_of_the_schema_without_unset_fields() -> None:
    event = CellCreatedV1(id="c", cell_type="code", position=1.0, created_by="u")
    assert encode_event(event) == EncodedEvent(
        name="v1.CellCreated",
        args_text='{"id":"c","cellType":"code","position":1,"createdBy":"u"}',
    )


def test_media_carry_their_type_first() -> None:
    event = MarkdownOutputAdded(
        id="o", cell_id="c", position=0, content=Artifact(artifact_id="a", metadata={})
    )
    text = encode_event(event).args_text
    assert text is not None
    assert '"content":{"type":"artifact","artifactId":"a","metadata":{}}' in text


def test_dates_have_milliseconds_and_a_z() -> None:
    moment = datetime(2025, 6, 1, 12, 0, 0, 1999, UTC)
    text = encode_event(completed(completed_at=moment)).args_text
    assert text is not None
    assert '"completedAt":"2025-06-01T12:00:00.001Z"' in text


@pytest.mark.parametrize("args_text", [None, "null", "{}"])
def test_the_event_without_arguments(args_text: str | None) -> None:
    event = decode_event("v1.AllExecutionsCancelled", args_text)
    assert event == AllExecutionsCancelled()
    assert encode_event(AllExecutionsCancelled()).args_text is None


def test_an_unknown_event_is_kept() -> None:
    assert decode_event("v9.New", '{"a": 1}') == UnknownEvent(
        name="v9.New", args_text='{"a": 1}'
    )


def test_lone_surrogates_survive() -> None:
    args_text = r'{"id":"c","source":"a\ud83dz","modifiedBy":"u"}'
    event = decode_event("v1.CellSourceChanged", args_text)
    assert isinstance(event, CellSourceChanged)
    assert event.source == "a\ud83dz"
    assert encode_event(event).args_text == args_text


def test_a_lone_surrogate_in_an_unknown_field_is_harmless() -> None:
    args_text = r'{"\ud83d":1,"id":"c","source":"","modifiedBy":"u"}'
    event = decode_event("v1.CellSourceChanged", args_text)
    assert event == CellSourceChanged(id="c", source="", modified_by="u")


@pytest.mark.parametrize("number", ["12", "12.0", "1.2e1"])
def test_a_whole_number_may_be_written_as_a_fraction(number: str) -> None:
    args_text = encode_event(completed()).args_text
    assert args_text is not None
    event = decode_event(
        "v1.ExecutionCompleted", args_text.replace("12}", number + "}")
    )
    assert event == completed()


def test_a_large_position_is_rounded_as_in_javascript() -> None:
    event = decode_event("v1.CellMoved", '{"id":"c","newPosition":9007199254740993}')
    assert event == CellMovedV1(id="c", new_position=9007199254740992.0)


def test_a_whole_number_may_be_written_as_a_fraction_inside_a_list() -> None:
    event = decode_event(
        "v1.MultipleExecutionRequested",
        '{"requestedBy":"u","cellsInfo":[{"id":"c","executionCount":2.0,"queueId":"q"}]}',
    )
    cell = RequestedCell(id="c", execution_count=2, queue_id="q")
    assert event == MultipleExecutionRequested(requested_by="u", cells_info=[cell])


@pytest.mark.parametrize(
    ("name", "args_text", "reason"),
    [
        ("v1.Debug", None, "it has no arguments"),
        ("v1.Debug", "{", "truncated"),
        ("v1.Debug", "[" * 100_000, "nests too deeply"),
        ("v1.Debug", "[]", "Expected `object`, got `array`"),
        ("v1.Debug", "{}", "missing required field `id`"),
        ("v1.Debug", '{"id":1}', "Expected `str`, got `int` - at `$.id`"),
        ("v1.CellDeleted", '{"id":"c","actorId":null}', "got `null` - at `$.actorId`"),
        (
            "v1.CellTypeChanged",
            r'{"id":"c","cellType":"\ud83d"}',
            "a key or a fixed word holds a lone surrogate",
        ),
        ("v1.CellMoved", '{"id":"c","newPosition":1e999}', "out of range"),
        ("v1.CellMoved", f'{{"id":"c","newPosition":{10**400}}}', "too large"),
        (
            "v2.FileDeleted",
            '{"fileName":"f","deletedAt":"yesterday"}',
            "'yesterday' is no ISO date",
        ),
        (
            "v2.FileDeleted",
            '{"fileName":"f","deletedAt":1}',
            "Expected `datetime`, got `int`",
        ),
        (
            "v1.TerminalOutputAppended",
            '{"outputId":"o","content":{"type":"inline","data":{"toString":1}}}',
            "toString",
        ),
        (
            "v1.RuntimeSessionRenewal",
            '{"sessionId":"s","renewedAt":"2025-01-01","validForMs":1e20}',
            "beyond all dates",
        ),
    ],
)
def test_what_is_refused_is_refused_with_a_reason(
    name: str, args_text: str | None, reason: str
) -> None:
    with pytest.raises(InvalidEventError, match=re.escape(reason)) as caught:
        decode_event(name, args_text)
    assert caught.value.name == name
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (completed(execution_duration_ms=12.5), "Expected `int`, got `float`"),
        (completed(execution_duration_ms=2**53), "<= 9007199254740991"),
        (completed(execution_duration_ms=True), "Expected `int`, got `bool`"),
        (completed(completed_at=NOON.replace(tzinfo=None)), "needs a time zone"),
        (completed(completed_at="2025-01-01T00:00:00.000Z"), "has no attribute"),
        (completed(error=None), "Expected `str`, got `null` - at `$.error`"),
        (completed(status="done"), "Invalid enum value 'done' - at `$.status`"),
        (terminal({"a": object()}), "Encoding objects of type object is unsupported"),
        (terminal([[{"toString": 1}]]), "a member toString"),
        (
            CellCreatedV1(
                id="c", cell_type="code", position=float("nan"), created_by=""
            ),
            "got `null` - at `$.position`",
        ),
        (
            MultimediaDisplayOutputAdded(
                id="o",
                cell_id="c",
                position=0,
                representations={"text/plain": Inline(data={"toString": 1})},
            ),
            "a member toString",
        ),
        (
            MultimediaResultOutputAdded(
                id="o",
                cell_id="c",
                position=0,
                representations={"text/plain": Inline(data={"toString": 1})},
                execution_count=1,
            ),
            "a member toString",
        ),
        (
            RuntimeSessionRenewal(session_id="s", renewed_at=NOON, valid_for_ms=1e17),
            "beyond all dates",
        ),
        (
            TerminalOutputAppendedV2(
                id="d", output_id="o", delta="x", sequence_number=-(2**53)
            ),
            ">= -9007199254740991",
        ),
        (
            CellTypeChanged(id="c", cell_type="code", actor_id=7),  # pyright: ignore[reportArgumentType] - the mistake under test
            "Expected `str`, got `int` - at `$.actorId`",
        ),
        (
            ExecutionRequested(
                queue_id="q",
                cell_id="c",
                execution_count="1",  # pyright: ignore[reportArgumentType] - the same
                requested_by="u",
            ),
            "Expected `int`, got `str` - at `$.executionCount`",
        ),
    ],
)
def test_no_event_that_would_poison_a_client_is_written(
    event: Event, reason: str
) -> None:
    with pytest.raises(InvalidEventError, match=re.escape(reason)):
        encode_event(event)


def test_an_unprintable_type_beside_the_primary_one_is_fine() -> None:
    event = MultimediaDisplayOutputAdded(
        id="o",
        cell_id="c",
        position=0,
        representations={
            "text/plain": Inline(data={"toString": 1}),
            "text/html": Inline(data="<p>"),
        },
    )
    encoded = encode_event(event)
    assert decode_event(encoded.name, encoded.args_text) == event


def test_depth_is_limited_far_below_what_python_can_walk_through() -> None:
    value: object = "x"
    for _ in range(126):
        value = [value]
    event = ErrorOutputAdded(
        id="o", cell_id="c", position=0, content=Inline(data=value)
    )
    encoded = encode_event(event)
    assert decode_event(encoded.name, encoded.args_text) == event
    NotebookState().apply(event)
    with pytest.raises(InvalidEventError, match="more than 128 levels deep"):
        encode_event(
            msgspec.structs.replace(event, content=Inline(data=[value, "beside"]))
        )


def test_breadth_is_not_limited() -> None:
    event = terminal([[number] for number in range(1000)])
    encoded = encode_event(event)
    assert decode_event(encoded.name, encoded.args_text) == event


def test_an_endless_value_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(InvalidEventError):
        encode_event(terminal(loop))


def test_events_are_frozen() -> None:
    event = CellCreatedV2(
        id="c", fractional_index="m", cell_type="code", created_by="u"
    )
    with pytest.raises(AttributeError):
        event.id = "d"  # pyright: ignore[reportAttributeAccessIssue] - the point
