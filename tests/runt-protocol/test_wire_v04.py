"""What only LiveStore 0.4 spells so; `test_wires` has the rules that 0.3 shares."""

import json
from pathlib import Path
from typing import Any

import pytest
from protocol_rig import frames, recordings

import runt_protocol._messages as msg
from runt_protocol import WireError, WireV04

WIRE = WireV04("store", {"authToken": "token"})

# What the probes sent to see it refused.
REFUSED = {"raw-probes": 11}


def comparable(frame: str) -> Any:
    """Leave out what is for tracing, and who asks about which store."""
    message = json.loads(frame)
    for key in ("traceId", "spanId", "sampled"):
        message.pop(key, None)
    for key in ("storeId", "payload"):
        if "payload" in message:
            message["payload"].pop(key, None)
    return {"headers": [], **message}


@pytest.mark.parametrize("path", recordings("ws-v04"), ids=lambda path: path.stem)
def test_recorded_frames_decode_and_encode_back(path: Path) -> None:
    refused = 0
    for frame in frames(path):
        try:
            message = WIRE.decode(frame)
        except WireError:
            refused += 1
            continue
        encoded = WIRE.encode(message)
        assert encoded is not None
        assert WIRE.decode(encoded) == message
        if '"defect"' in frame or '"Sequential"' in frame:
            continue  # what the real server says to people takes other forms
        assert comparable(frame) == comparable(encoded)
    assert refused == REFUSED.get(path.stem, 0)


def test_what_only_03_has_is_left_out() -> None:
    assert WIRE.encode(msg.AdminInfoReq(request_id="1", admin_secret="x")) is None


def test_a_request_names_its_store_and_who_asks() -> None:
    frame = json.loads(WIRE.encode(msg.PullReq(request_id="7")) or "")
    assert frame["payload"]["storeId"] == "store"
    assert frame["payload"]["payload"] == {"authToken": "token"}
    bare = json.loads(WireV04("store").encode(msg.PullReq(request_id="7")) or "")
    assert "payload" not in bare["payload"]
    assert "token" not in repr(WIRE)


def test_several_pages_in_one_chunk_are_one_answer() -> None:
    page = '{"batch":[],"pageInfo":{"_tag":"MoreUnknown"},"backendId":"b"}'
    last = '{"batch":[],"pageInfo":{"_tag":"NoMore"},"backendId":"b"}'
    frame = '{"_tag":"Chunk","requestId":"0","values":[PAGES]}'
    more = WIRE.decode(frame.replace("PAGES", page))
    end = WIRE.decode(frame.replace("PAGES", f"{page},{last}"))
    assert isinstance(more, msg.PullRes)
    assert isinstance(end, msg.PullRes)
    assert (more.remaining, end.remaining) == (1, 0)


AHEAD = '{"minimumExpectedNum":3,"providedNum":1,"_tag":"ServerAheadError"}'
MISMATCH = '{"expected":"a","received":"b","_tag":"BackendIdMismatchError"}'


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (f'{{"_tag":"Fail","error":{AHEAD}}}', msg.ServerAhead(head=3, parent=1)),
        (
            f'{{"_tag":"Fail","error":{MISMATCH}}}',
            msg.OtherLog(expected="a", received="b"),
        ),
        ('{"_tag":"Fail","error":{"_tag":"UnknownError","cause":"why"}}', "why"),
        (
            '{"_tag":"Fail","error":{"_tag":"UnknownError","cause":{"message":"why"}}}',
            "why",
        ),
        ('{"_tag":"Fail","error":{"_tag":"UnknownError","cause":[1]}}', "[1]"),
        ('{"_tag":"Die","defect":"why"}', "why"),
        ('{"_tag":"Die","defect":"' + "x" * 9000 + '"}', "x" * 2000),
    ],
)
def test_a_failure_is_understood_wherever_it_stands(cause: str, expected: Any) -> None:
    interrupt = '{"_tag":"Interrupt","fiberId":{"_tag":"None"}}'
    for tree in (
        cause,
        f'{{"_tag":"Sequential","left":{interrupt},"right":{cause}}}',
        f'{{"_tag":"Parallel","left":{cause},"right":{{"_tag":"Empty"}}}}',
    ):
        message = WIRE.decode(
            f'{{"_tag":"Exit","requestId":"0",'
            f'"exit":{{"_tag":"Failure","cause":{tree}}}}}'
        )
        assert isinstance(message, msg.ErrorRes)
        assert (message.cause or message.message) == expected


def test_the_other_frames() -> None:
    exit_frame = '{"_tag":"Exit","requestId":"0","exit":EXIT}'
    ended = WIRE.decode(exit_frame.replace("EXIT", '{"_tag":"Success"}'))
    assert ended == msg.PullEnd(request_id="0")
    nothing = '{"_tag":"Failure","cause":{"_tag":"Empty"}}'
    stopped = WIRE.decode(exit_frame.replace("EXIT", nothing))
    assert stopped == msg.PullEnd(request_id="0", stopped=True)
    assert WIRE.decode('{"_tag":"Defect","defect":{"message":"m"}}') == msg.Failure(
        message="m"
    )
    assert WIRE.decode('{"_tag":"Ack","requestId":"1"}') == msg.PullAck(request_id="1")
    stop = WIRE.decode('{"_tag":"Interrupt","requestId":"1"}')
    assert stop == msg.StopPull(request_id="1")


PUSH = (
    '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Push",'
    '"payload":{"batch":[],"backendId":{"_tag":"Some","value":"log"}}}'
)


def test_a_push_names_its_log() -> None:
    push = msg.PushReq(request_id="0", batch=(), backend_id="log")
    assert WIRE.decode(PUSH) == push


@pytest.mark.parametrize(
    "frame",
    [
        '{"_tag":"Eof"}',
        '{"_tag":"WSMessage.Ping","requestId":"ping"}',
        '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Nope","payload":{}}',
        '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Pull","payload":{}}',
        '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Pull","payload":"\\ud83d"}',
        PUSH.replace('"id":"0"', '"id":0'),
        PUSH.replace("log", "x" * 129),
        '{"_tag":"Ack","requestId":"' + "1" * 65 + '"}',
        '{"_tag":"Chunk","requestId":"0","values":[]}',
        '{"_tag":"Exit","requestId":"0","exit":{"_tag":"Failure"}}',
        '{"_tag":"Exit","requestId":"0","exit":{"_tag":"Failure","cause":'
        + '{"_tag":"Sequential","left":{"_tag":"Empty"},"right":' * 100_000
        + "0",
    ],
)
def test_what_is_no_message_is_refused(frame: str) -> None:
    with pytest.raises(WireError, match="no sync message"):
        WIRE.decode(frame)
