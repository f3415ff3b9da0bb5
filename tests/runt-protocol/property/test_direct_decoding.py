"""Arguments read in one step are what the careful way reads, or are left to it."""

import json
from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from runt_protocol import (
    Debug,
    Event,
    MultimediaDisplayOutputAdded,
    TerminalOutputAdded,
    encode_event,
)
from runt_protocol.events._codec import (
    _convert,  # pyright: ignore[reportPrivateUsage] - the two ways, side by side
    _decode_directly,  # pyright: ignore[reportPrivateUsage]
    _loads_shallow,  # pyright: ignore[reportPrivateUsage]
)
from runt_protocol.testing import events, json_values

# What a JSON number, and a text, can look like apart from the usual.
ODD = [
    *["12.0", "1e2", "-0", "-0.0", "1E400", "1e-400", "9007199254740993", "1.5e300"],
    *[str(2**63), str(2**64), "1" * 400, "01", "NaN", '"\\ud83d"', '"\\u0000"', "null"],
    "[" * 200 + "]" * 200,
]


def agree(event_type: type[Event], args_text: str) -> None:
    direct = _decode_directly(event_type.event_name, args_text)
    if direct is not None:
        careful = _convert(event_type, _loads_shallow(args_text))
        assert repr(direct) == repr(careful)  # 1, 1.0 and True are told apart


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[type[Event], str]:
    """An event's arguments, in which one value or more is written in another way."""
    event = draw(events())
    args = json.loads(encode_event(event).args_text or "{}")
    marks: list[str] = []

    def spoil(value: Any) -> Any:
        if draw(st.integers(0, 3)) == 0:
            marks.append(draw(st.sampled_from(ODD) | json_values().map(json.dumps)))
            return f"<mark {len(marks) - 1}>"
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            return {key: spoil(item) for key, item in members.items()}
        if isinstance(value, list):
            return [spoil(item) for item in cast("list[Any]", value)]
        return value

    members = list(args.items())
    if members and draw(st.booleans()):
        members.append(draw(st.sampled_from(members)))  # the same key twice
    text = ",".join(f"{json.dumps(k)}:{json.dumps(spoil(v))}" for k, v in members)
    for number, mark in enumerate(marks):
        text = text.replace(f'"<mark {number}>"', mark)
    return type(event), f"{{{text}}}"


@settings(max_examples=300, deadline=None)
@given(case=spoilt())
@example(case=(Debug, '{"id":1,"id":"a"}'))
@example(case=(Debug, '{"id":"a","id":1}'))
@example(
    case=(
        TerminalOutputAdded,
        (
            '{"id":"a","cellId":"b","position":0,"streamName":"stdout",'
            '"content":{"type":"inline","data":1,"type":"artifact","artifactId":"x"}}'
        ),
    )
)
@example(
    case=(
        MultimediaDisplayOutputAdded,
        (
            '{"id":"a","cellId":"b","position":1.0,"representations":'
            '{"text/plain":{"data":1e2,"type":"inline"},"text/plain":{"type":"inline"}}}'
        ),
    )
)
def test_both_ways_of_reading_agree(case: tuple[type[Event], str]) -> None:
    agree(*case)


@settings(deadline=None)
@given(event=events())
def test_what_we_write_is_read_alike(event: Event) -> None:
    args_text = encode_event(event).args_text
    if args_text is not None:
        agree(type(event), args_text)
