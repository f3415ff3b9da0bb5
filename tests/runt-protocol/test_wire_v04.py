import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import runt_protocol._messages as msg
from runt_protocol import WireError, WireV04
from runt_protocol._frames_v04 import read_frame_slowly, read_message
from runt_protocol.testing import messages_v04

VECTORS = Path(__file__).parent / "vectors" / "ws-v04"
WIRE = WireV04("store", {"authToken": "token"})

# What the probes sent to see it refused.
REFUSED = {"raw-probes": 11}


def frames(path: Path) -> Iterator[str]:
    for line in path.read_text().splitlines():
        record: dict[str, Any] = json.loads(line)
        texts = [record.get("text")] if record.get("ev") == "frame" else []
        for step in record.get("steps", []):
            texts += [step["send"], *step["replies"]]
        # Long ones are cut in the recording.
        yield from (t for t in texts if isinstance(t, str) and not t.endswith("chars)"))


def recordings() -> list[Any]:
    paths = sorted(VECTORS.glob("*.jsonl"))
    return [pytest.param(path, id=path.stem) for path in paths if any(frames(path))]


def comparable(frame: str) -> Any:
    """Leave out what is for tracing, and who asks about which store."""
    message = json.loads(frame)
    for key in ("traceId", "spanId", "sampled"):
        message.pop(key, None)
    for key in ("storeId", "payload"):
        if "payload" in message:
            message["payload"].pop(key, None)
    return {"headers": [], **message}


@pytest.mark.parametrize("path", recordings())
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


@pytest.mark.parametrize("path", recordings())
def test_the_slow_way_reads_the_same(path: Path) -> None:
    for frame in frames(path):
        try:
            message = WIRE.decode(frame)
        except WireError:
            continue
        # A member that nobody knows makes msgspec refuse the frame.
        odd = frame.replace("{", '{"odd":"\\ud83d",', 1)
        assert WIRE.decode(odd) == message
        read_frame_slowly(odd)


@given(messages_v04())
def test_what_is_written_reads_back(message: msg.Message) -> None:
    frame = WIRE.encode(message)
    assert frame is not None
    frame.encode()
    assert read_message(frame) == message
    odd = frame.replace("{", '{"odd":"\\ud83d",', 1)
    assert read_message(odd) == message


def test_what_only_03_has_is_left_out() -> None:
    assert WIRE.encode(msg.AdminInfoReq(request_id="1", admin_secret="x")) is None


def test_a_request_names_its_store_and_who_asks() -> None:
    frame = json.loads(WIRE.encode(msg.PullReq(request_id="7")) or "")
    assert frame["payload"]["storeId"] == "store"
    assert frame["payload"]["payload"] == {"authToken": "token"}
    bare = json.loads(WireV04("store").encode(msg.PullReq(request_id="7")) or "")
    assert "payload" not in bare["payload"]
    assert "token" not in repr(WIRE)


EVENT = (
    '{"name":"n","args":ARGS,"seqNum":1,"parentSeqNum":0,'
    '"clientId":"c","sessionId":"s"}'
)
PUSH = (
    '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Push","payload":{"storeId":"store",'
    f'"payload":{{"authToken":"token"}},"batch":[{EVENT}],'
    '"backendId":{"_tag":"None"}},"headers":[]}'
)


@pytest.mark.parametrize(
    "args",
    [
        '{"b":1.0,"a":1}',
        '{ "x" : [1e3, -0.0 ] }',
        '"\\ud83d"',
        '{"\\ude00":"\\u00e9\\/"}',
        '{"n":1e999}',
        '{"\\ud83d":1e999,"b":' + "1" * 5000 + "}",
        "null",
    ],
)
def test_the_text_of_args_is_kept(args: str) -> None:
    frame = PUSH.replace("ARGS", args)
    message = WIRE.decode(frame)
    assert isinstance(message, msg.PushReq)
    assert message.batch[0].args_text == args
    assert WIRE.encode(message) == frame


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


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "\ud83d",
        "junk",
        "[]",
        "[" * 100_000,
        '["\\ud83d",' + "[" * 100_000,
        '{"_tag":"Eof"}',
        '{"_tag":"WSMessage.Ping","requestId":"ping"}',
        '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Nope","payload":{}}',
        '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Pull","payload":{}}',
        '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Pull","payload":"\\ud83d"}',
        PUSH.replace("ARGS", "1").replace('"id":"0"', '"id":0'),
        '{"_tag":"Ack","requestId":"' + "1" * 65 + '"}',
        '{"_tag":"Chunk","requestId":"0","values":[]}',
        '{"_tag":"Exit","requestId":"0","exit":{"_tag":"Failure"}}',
        '{"_tag":"Exit","requestId":"0","exit":{"_tag":"Failure","cause":'
        + '{"_tag":"Sequential","left":{"_tag":"Empty"},"right":' * 100_000
        + "0",
        PUSH.replace("ARGS", "\\ud83d"),
        PUSH.replace("ARGS", "[" * 100_000),
        PUSH.replace("ARGS", '["\\ud83d",' + "[" * 100_000),
        PUSH.replace("ARGS", '"\\ud83d"').replace('"seqNum":1', '"seqNum":-1'),
        PUSH.replace("ARGS", "1").replace('"seqNum":1', '"seqNum":9007199254740992'),
        PUSH.replace("ARGS", "1").replace(
            '{"_tag":"None"}', '{"_tag":"Some","value":"' + "x" * 129 + '"}'
        ),
    ],
)
def test_what_is_no_message_is_refused(frame: str) -> None:
    with pytest.raises(WireError, match="no sync message"):
        WIRE.decode(frame)


@pytest.mark.parametrize(
    ("text", "request_id"),
    [
        ('{"id":"7","tag":1}', "7"),
        ('{"id":"\\ud83d"}', "\ud83d"),
        ('{"id":1}', ""),
        ("junk", ""),
        ("[" * 100_000, ""),
    ],
)
def test_an_error_finds_its_addressee(text: str, request_id: str) -> None:
    assert WIRE.request_id_of(text) == request_id
