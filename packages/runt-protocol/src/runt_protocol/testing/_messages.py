"""Hypothesis strategies for what travels between a client and a server."""

import json
from typing import Final

from hypothesis import strategies as st
from msgspec import UNSET

from runt_protocol._envelope import LoggedEvent
from runt_protocol._json import dumps
from runt_protocol._wire_v03 import (
    MAX_NUMBER,
    AdminInfo,
    AdminInfoReq,
    AdminInfoRes,
    AdminResetRoomReq,
    AdminResetRoomRes,
    ErrorRes,
    Message,
    Ping,
    Pong,
    PullReq,
    PullRes,
    PushAck,
    PushReq,
    StoredEvent,
)
from runt_protocol.events import encode_event

from ._strategies import events, json_values, texts

_ANY_TEXT: Final = texts()


def logged_events(
    *, max_number: int = MAX_NUMBER, ids: st.SearchStrategy[str] = _ANY_TEXT
) -> st.SearchStrategy[LoggedEvent]:
    """Draw events in a place of a log; some are nonsense, and none follows another.

    Args:
        max_number: The highest number that one may have.
        ids: Client and session ids; by default any texts.
    """
    numbers = st.integers(0, max_number)
    spelled = st.builds(json.dumps, json_values(), indent=st.sampled_from([None, 1]))
    known = events().map(encode_event)
    unknown = st.tuples(texts(), st.none() | spelled | json_values().map(dumps))
    named = known.map(lambda event: (event.name, event.args_text)) | unknown
    return st.builds(_logged_event, named, numbers, numbers, ids, ids)


def messages(
    *,
    max_number: int = MAX_NUMBER,
    ids: st.SearchStrategy[str] = _ANY_TEXT,
) -> st.SearchStrategy[Message]:
    """Draw messages of every kind, in either direction.

    Args:
        max_number: The highest number of an event.
        ids: Request, client and session ids; by default any texts.
    """
    logged = logged_events(max_number=max_number, ids=ids)
    stored = st.builds(StoredEvent, event=logged, created_at=st.none() | texts())
    named = {"request_id": ids}
    numbers = st.integers(0, max_number)
    cursors = st.just(UNSET) | st.integers(-5, max_number)
    return st.one_of(
        st.builds(PullReq, **named, cursor=cursors),
        st.builds(
            PullRes,
            **named,
            batch=st.lists(stored, max_size=3).map(tuple),
            context=st.sampled_from(["pull", "push"]),
            remaining=numbers,
        ),
        st.builds(PushReq, **named, batch=st.lists(logged, max_size=3).map(tuple)),
        st.builds(PushAck, **named),
        st.builds(ErrorRes, **named, message=texts()),
        st.sampled_from([Ping(), Pong()]),
        st.builds(AdminResetRoomReq, **named, admin_secret=texts()),
        st.builds(AdminResetRoomRes, **named),
        st.builds(AdminInfoReq, **named, admin_secret=texts()),
        st.builds(
            AdminInfoRes, **named, info=st.builds(AdminInfo, durable_object_id=texts())
        ),
    )


def _logged_event(
    named: tuple[str, str | None],
    seq_num: int,
    parent_seq_num: int,
    client_id: str,
    session_id: str,
) -> LoggedEvent:
    name, args_text = named
    return LoggedEvent(
        name=name,
        args_text=args_text,
        seq_num=seq_num,
        parent_seq_num=parent_seq_num,
        client_id=client_id,
        session_id=session_id,
    )
