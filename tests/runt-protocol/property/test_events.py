"""Whatever is made survives the wire; whatever comes is read or refused."""

import json
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runt_protocol import (
    EVENT_TYPES,
    Event,
    InvalidEventError,
    UnknownEvent,
    decode_event,
    encode_event,
    format_date,
    parse_date,
)
from runt_protocol.testing import dates, events, json_values, texts, unknown_events


@pytest.mark.parametrize("event_type", EVENT_TYPES.values(), ids=lambda t: t.__name__)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_event_survives_encoding_and_decoding(
    event_type: type[Event], data: st.DataObject
) -> None:
    event = data.draw(events(event_type))
    encoded = encode_event(event)
    assert decode_event(encoded.name, encoded.args_text) == event


@settings(deadline=None)
@given(event=events(), extra=st.dictionaries(texts().map("x".__add__), json_values()))
def test_unknown_fields_are_ignored(event: Event, extra: dict[str, object]) -> None:
    encoded = encode_event(event)
    args = {**extra, **json.loads(encoded.args_text or "{}")}
    assert decode_event(encoded.name, json.dumps(args)) == event


@settings(deadline=None)
@given(event=unknown_events())
def test_unknown_events_are_kept_as_they_came(event: UnknownEvent) -> None:
    assert decode_event(event.name, event.args_text) == event


def read(name: str, args_text: str) -> Event | UnknownEvent | InvalidEventError:
    try:
        return decode_event(name, args_text)
    except InvalidEventError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(list(EVENT_TYPES)),
    args_text=texts() | json_values().map(json.dumps),
)
def test_any_other_text_is_read_or_refused(name: str, args_text: str) -> None:
    outcome = read(name, args_text)
    assert isinstance(outcome, EVENT_TYPES[name] | InvalidEventError)


@settings(max_examples=300, deadline=None)
@given(event=events(), data=st.data())
def test_one_wrong_value_is_read_or_refused(event: Event, data: st.DataObject) -> None:
    encoded = encode_event(event)
    args = json.loads(encoded.args_text or "{}")
    key = data.draw(st.sampled_from([*args, "extra"]))
    args[key] = data.draw(json_values())
    outcome = read(encoded.name, json.dumps(args))
    assert isinstance(outcome, type(event) | InvalidEventError)


@given(moment=dates())
def test_dates_survive_their_text(moment: datetime) -> None:
    text = format_date(moment)
    assert parse_date(text) == moment
