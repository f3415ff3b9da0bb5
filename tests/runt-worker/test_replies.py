"""What comes out of the sandbox is hostile: one of our messages, or one error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_worker import (
    ClearOutput,
    CompleteReply,
    DisplayData,
    Error,
    ExecuteReply,
    ExecuteResult,
    GuestProtocolError,
    InputRequest,
    InspectReply,
    IsCompleteReply,
    Stream,
    UpdateDisplayData,
)
from runt_worker._frames import Frame
from runt_worker._replies import ErrorReply, Fatal, Ready, decode_received

BUNDLE: dict[str, Any] = {"data": {"text/plain": "x"}, "metadata": {}}


def head(content: object, request: object = 7) -> bytes:
    return json.dumps({"request": request, "content": content}).encode()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"msg_type": "ready", "restored": True}, Ready(restored=True)),
        ({"msg_type": "fatal", "reason": "gone"}, Fatal(reason="gone")),
        ({"msg_type": "display_data", **BUNDLE}, DisplayData(**BUNDLE)),
        (
            {"msg_type": "update_display_data", "display_id": "i", **BUNDLE},
            UpdateDisplayData(display_id="i", **BUNDLE),
        ),
        (
            {"msg_type": "execute_result", "execution_count": 3, **BUNDLE},
            ExecuteResult(execution_count=3, **BUNDLE),
        ),
        (
            {"msg_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
            Error(ename="E", evalue="v", traceback=["t"]),
        ),
        ({"msg_type": "clear_output", "wait": True}, ClearOutput(wait=True)),
        (
            {"msg_type": "execute_reply", "status": "ok", "execution_count": 1},
            ExecuteReply(status="ok", execution_count=1),
        ),
        (
            {
                "msg_type": "complete_reply",
                "matches": ["a"],
                "cursor_start": 0,
                "cursor_end": 1,
                "metadata": {},
            },
            CompleteReply(matches=["a"], cursor_start=0, cursor_end=1, metadata={}),
        ),
        (
            {"msg_type": "inspect_reply", "found": True, **BUNDLE},
            InspectReply(found=True, **BUNDLE),
        ),
        (
            {
                "msg_type": "input_request",
                "question": 1,
                "prompt": "?",
                "password": False,
            },
            InputRequest(question=1, prompt="?", password=False),
        ),
        (
            {"msg_type": "is_complete_reply", "status": "invalid", "indent": ""},
            IsCompleteReply(status="invalid", indent=""),
        ),
        (
            {"msg_type": "error_reply", "ename": "E", "evalue": "v"},
            ErrorReply(ename="E", evalue="v"),
        ),
    ],
    ids=lambda value: type(value).__name__,  # pyright: ignore[reportUnknownLambdaType]
)
def test_each_message_of_ours_is_read(content: object, expected: object) -> None:
    received = decode_received(Frame(head(content), b""))
    assert received.request == 7
    assert received.content == expected


def test_the_text_of_a_stream_travels_in_the_tail() -> None:
    content = {"msg_type": "stream", "name": "stderr", "text": "overwritten"}
    received = decode_received(Frame(head(content), "grün\n".encode()))
    assert received.content == Stream(name="stderr", text="grün\n")


def test_bytes_of_a_stream_that_are_no_text_are_replaced() -> None:
    content = {"msg_type": "stream", "name": "stdout"}
    received = decode_received(Frame(head(content), b"a\xff\xed\xa0\x80b"))
    assert isinstance(received.content, Stream)
    assert received.content.text.startswith("a\ufffd")
    assert received.content.text.endswith("\ufffdb")


DEEP = 100_000


def question(**fields: object) -> bytes:
    asked = {"question": 1, "prompt": "", "password": False, **fields}
    return head({"msg_type": "input_request", **asked})


def completion(**fields: object) -> bytes:
    cursor = {"cursor_start": 0, "cursor_end": 1}
    reply: dict[str, object] = {"matches": ["a"], "metadata": {}, **cursor, **fields}
    return head({"msg_type": "complete_reply", **reply})


HOSTILE_HEADS: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"hello",
    "half of it": b'{"request":1,',
    "not UTF-8": b'{"request":1,"content":{"msg_type":"fatal","reason":"\xff"}}',
    "lone surrogate": head({"msg_type": "fatal", "reason": "\ud83d"}),
    "display id too long": head(
        {"msg_type": "update_display_data", "display_id": "i" * 1001, **BUNDLE}
    ),
    "no object": b"[]",
    "no request": b'{"content":{"msg_type":"ready"}}',
    "no content": b'{"request":1}',
    "content no object": head("ready"),
    "no message type": head({}),
    "unknown message type": head({"msg_type": "comm_open"}),
    "message type no text": head({"msg_type": 1}),
    "request no number": head({"msg_type": "ready"}, "1"),
    "request no whole number": head({"msg_type": "ready"}, 1.5),
    "request a truth value": head({"msg_type": "ready"}, True),  # noqa: FBT003 (JSON)
    "unknown stream": head({"msg_type": "stream", "name": "stdlog"}),
    "unknown status": head(
        {"msg_type": "execute_reply", "status": "fine", "execution_count": 1}
    ),
    "count no number": head(
        {"msg_type": "execute_reply", "status": "ok", "execution_count": "1"}
    ),
    "count too large for the notebook": head(
        {"msg_type": "execute_reply", "status": "ok", "execution_count": 2**53}
    ),
    "count below zero": head(
        {"msg_type": "execute_reply", "status": "ok", "execution_count": -1}
    ),
    "data no object": head({"msg_type": "display_data", "data": [], "metadata": {}}),
    "metadata missing": head({"msg_type": "display_data", "data": {}}),
    "display id no text": head({"msg_type": "display_data", "display_id": 1, **BUNDLE}),
    "traceback no list": head(
        {"msg_type": "error", "ename": "E", "evalue": "", "traceback": "t"}
    ),
    "wait no truth value": head({"msg_type": "clear_output", "wait": 1}),
    "question no number": question(question="1"),
    "question below one": question(question=0),
    "question beyond JavaScript": question(question=2**53),
    "prompt no text": question(prompt=None),
    "prompt without end": question(prompt="?" * 70_000),
    "password no truth value": question(password=1),
    "more matches than anybody reads": completion(matches=["a"] * 1001),
    "match no text": completion(matches=[1]),
    "cursor before the beginning": completion(cursor_start=-1),
    "nested too deep": (
        b'{"request":1,"content":{"msg_type":"display_data","metadata":{},'
        b'"data":{"a":' + b"[" * DEEP + b"]" * DEEP + b"}}}"
    ),
    "nested too deep, unfinished": b'{"request":' + b"[" * DEEP,
    "number without end": (
        b'{"request":1,"content":{"msg_type":"display_data","metadata":{},'
        b'"data":{"a":' + b"9" * 5000 + b"}}}"
    ),
    "number out of range": (
        b'{"request":1,"content":{"msg_type":"display_data","metadata":{},'
        b'"data":{"a":1e999}}}'
    ),
    "NaN": (
        b'{"request":1,"content":{"msg_type":"display_data","metadata":{},'
        b'"data":{"a":NaN}}}'
    ),
}


@pytest.mark.parametrize("hostile", HOSTILE_HEADS.values(), ids=HOSTILE_HEADS)
def test_a_hostile_head_is_refused(hostile: bytes) -> None:
    with pytest.raises(GuestProtocolError, match="none of ours"):
        decode_received(Frame(hostile, b""))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=8,
)
message_types = st.sampled_from(
    ["stream", "display_data", "execute_reply", "error", "fatal", "complete_reply"]
)
contents = st.fixed_dictionaries(
    {"msg_type": message_types},
    optional=dict.fromkeys(
        ["name", "data", "metadata", "status", "ename", "matches"], json_values
    ),
)


@given(st.binary(max_size=50) | contents.map(head), st.binary(max_size=10))
def test_any_frame_is_a_message_or_the_documented_error(
    hostile: bytes, tail: bytes
) -> None:
    try:
        received = decode_received(Frame(hostile, tail))
    except GuestProtocolError:
        return
    assert isinstance(received.request, int)
