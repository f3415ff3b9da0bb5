"""Hypothesis strategies for what travels between a client and a server."""

import json
from typing import Final

from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

import runt_protocol._messages as msg
from runt_protocol._envelope import LoggedEvent
from runt_protocol._frames_v04 import MAX_BACKEND_ID
from runt_protocol._json import dumps
from runt_protocol._wire_events import MAX_NUMBER
from runt_protocol._wire_v03 import MessageV03
from runt_protocol.events import encode_event

from ._strategies import events, json_values, texts

_ANY_TEXT: Final = texts()
_ANY_NUMBER: Final = st.integers(0, MAX_NUMBER).map(str)


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
) -> st.SearchStrategy[MessageV03]:
    """Draw messages of every kind that 0.3 has, in either direction.

    Args:
        max_number: The highest number of an event.
        ids: Request, client and session ids; by default any texts.
    """
    logged = logged_events(max_number=max_number, ids=ids)
    stored = st.builds(msg.StoredEvent, event=logged, created_at=st.none() | texts())
    named = {"request_id": ids}
    numbers = st.integers(0, max_number)
    cursors = st.just(UNSET) | st.integers(-5, max_number)
    return st.one_of(
        st.builds(msg.PullReq, **named, cursor=cursors),
        st.builds(
            msg.PullRes,
            **named,
            batch=st.lists(stored, max_size=3).map(tuple),
            context=st.sampled_from(["pull", "push"]),
            remaining=numbers,
        ),
        st.builds(msg.PushReq, **named, batch=st.lists(logged, max_size=3).map(tuple)),
        st.builds(msg.PushAck, **named),
        st.builds(msg.ErrorRes, **named, message=texts()),
        st.sampled_from([msg.Ping(), msg.Pong()]),
        st.builds(msg.AdminResetRoomReq, **named, admin_secret=texts()),
        st.builds(msg.AdminResetRoomRes, **named),
        st.builds(msg.AdminInfoReq, **named, admin_secret=texts()),
        st.builds(msg.AdminInfoRes, **named, durable_object_id=texts()),
    )


def messages_v04(
    *,
    max_number: int = MAX_NUMBER,
    ids: st.SearchStrategy[str] = _ANY_NUMBER,
    client_ids: st.SearchStrategy[str] = _ANY_TEXT,
) -> st.SearchStrategy[msg.Message]:
    """Draw messages of every kind that 0.4 has, in either direction.

    Args:
        max_number: The highest number of an event.
        ids: Request ids; by default any numbers.
        client_ids: Client and session ids; by default any texts.
    """
    logged = logged_events(max_number=max_number, ids=client_ids)
    stored = st.builds(msg.StoredEvent, event=logged, created_at=st.none() | texts())
    named = {"request_id": ids}
    numbers = st.integers(0, max_number)
    logs = st.text(max_size=MAX_BACKEND_ID)
    position = st.just((UNSET, None)) | st.tuples(st.integers(-5, max_number), logs)
    causes = st.one_of(
        st.builds(msg.ServerAhead, head=numbers, parent=numbers),
        st.builds(msg.OtherLog, expected=logs, received=logs),
    )
    return st.one_of(
        st.builds(_pull_req, **named, position=position, live=st.booleans()),
        st.builds(
            msg.PullRes,
            **named,
            batch=st.lists(stored, max_size=3).map(tuple),
            context=st.just("pull"),
            remaining=numbers,
            backend_id=logs,
        ),
        st.builds(
            msg.PushReq,
            **named,
            batch=st.lists(logged, max_size=3).map(tuple),
            backend_id=st.none() | logs,
        ),
        st.builds(msg.PullAck, **named),
        st.builds(msg.StopPull, **named),
        st.builds(msg.PushAck, **named),
        st.builds(msg.PullEnd, **named, stopped=st.booleans()),
        st.builds(msg.ErrorRes, **named, message=texts()),
        st.builds(_error_res, **named, cause=causes),
        st.builds(msg.Failure, message=texts()),
        st.sampled_from([msg.Ping(), msg.Pong()]),
    )


def _pull_req(
    request_id: str, position: tuple[int | UnsetType, str | None], *, live: bool
) -> msg.PullReq:
    cursor, backend_id = position
    return msg.PullReq(
        request_id=request_id, cursor=cursor, backend_id=backend_id, live=live
    )


def _error_res(request_id: str, cause: msg.ServerAhead | msg.OtherLog) -> msg.ErrorRes:
    return msg.ErrorRes(request_id=request_id, message=str(cause), cause=cause)


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
