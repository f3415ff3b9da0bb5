import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from runt_protocol import WIRE_V03, WireError
from runt_protocol._messages import AdminInfoReq, PushReq
from runt_protocol._wire_v03 import MessageV03 as Message
from runt_protocol._wire_v03 import (
    decode_message,
    decode_slowly,
    encode_message,
)
from runt_protocol.testing import messages

VECTORS = Path(__file__).parent / "vectors" / "ws"

# Frames that the recordings hold because a peer ignores them, by what is wrong.
REFUSED = {
    "19-message-leniency": 9,
    "raw-probes": 15,
}
# Frames that are valid but hold fields that the protocol does not know, or another key
# order: they come back as the real peers would have written them.
REWRITTEN = {"19-message-leniency": 2, "raw-probes": 3}


def frames(path: Path) -> Iterator[str]:
    for line in path.read_text().splitlines():
        record: dict[str, Any] = json.loads(line)
        texts = [record.get("text"), record.get("rewrittenTo")]
        texts = texts if record.get("ev") == "frame" else []
        for step in record.get("steps", []):
            texts += [step["send"], *step["replies"]]
        for reply in [*record.get("a", []), *record.get("b", [])]:
            texts.append(reply)
        # Long ones are cut in the recordings of probes, and binary ones are no text.
        yield from (t for t in texts if isinstance(t, str) and not t.endswith("chars)"))


def recordings() -> list[Any]:
    paths = sorted(VECTORS.glob("*.jsonl"))
    return [pytest.param(path, id=path.stem) for path in paths if any(frames(path))]


@pytest.mark.parametrize("path", recordings())
def test_recorded_frames_decode_and_encode_back(path: Path) -> None:
    refused = rewritten = 0
    for frame in frames(path):
        try:
            message = decode_message(frame)
        except WireError:
            refused += 1
            continue
        encoded = encode_message(message)
        assert decode_message(encoded) == message
        before, after = json.loads(frame), json.loads(encoded)
        if list(before) == list(after) and before == after:
            continue
        rewritten += 1
    assert refused == REFUSED.get(path.stem, 0)
    assert rewritten == REWRITTEN.get(path.stem, 0)


@pytest.mark.parametrize("path", recordings())
def test_the_slow_way_reads_the_same(path: Path) -> None:
    for frame in frames(path):
        try:
            message = decode_message(frame)
        except WireError:
            with pytest.raises(WireError):
                decode_slowly(frame)
        else:
            assert decode_slowly(frame) == message


@given(messages())
def test_what_is_written_reads_back(message: Message) -> None:
    frame = encode_message(message)
    frame.encode()
    assert decode_message(frame) == message
    assert decode_slowly(frame) == message


EVENT = (
    '{"name":"n","args":ARGS,"seqNum":1,"parentSeqNum":0,'
    '"clientId":"c","sessionId":"s"}'
)
PUSH = f'{{"_tag":"WSMessage.PushReq","requestId":"r","batch":[{EVENT}]}}'


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
    message = decode_message(frame)
    assert isinstance(message, PushReq)
    assert message.batch[0].args_text == args
    assert encode_message(message) == frame


def test_absent_args_stay_absent() -> None:
    frame = PUSH.replace('"args":ARGS,', "")
    message = decode_message(frame)
    assert isinstance(message, PushReq)
    assert message.batch[0].args_text is None
    assert encode_message(message) == frame


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "\ud83d",
        "junk",
        "[]",
        "[" * 100_000,
        '["\\ud83d",' + "[" * 100_000,
        '"\\ud83d"',
        '{"_tag":"WSMessage.Nope","requestId":"x"}',
        '{"_tag":"WSMessage.Nope","requestId":"\\ud83d"}',
        '{"_tag":"WSMessage.Ping","requestId":"pong"}',
        '{"_tag":"WSMessage.PullReq","requestId":"x","cursor":null}',
        '{"_tag":"WSMessage.PullReq","requestId":"\\ud83d","cursor":null}',
        '{"_tag":"WSMessage.PullReq","requestId":"x","cursor":9007199254740992}',
        '{"_tag":"WSMessage.PushReq","requestId":"\\ud83d","batch":{}}',
        '{"_tag":"WSMessage.PushReq","requestId":"\\ud83d","batch":[1]}',
        PUSH.replace("ARGS", "\\ud83d"),
        PUSH.replace("ARGS", "[" * 100_000),
        PUSH.replace("ARGS", '["\\ud83d",' + "[" * 100_000),
        PUSH.replace("ARGS", '"\\ud83d"').replace('"seqNum":1', '"seqNum":-1'),
        PUSH.replace("ARGS", "1").replace('"seqNum":1', '"seqNum":9007199254740992'),
    ],
)
def test_what_is_no_message_is_refused(frame: str) -> None:
    with pytest.raises(WireError, match="no sync message"):
        decode_message(frame)


@pytest.mark.parametrize(
    ("text", "request_id"),
    [
        ('{"requestId":"x","cursor":null}', "x"),
        ('{"requestId":"\\ud83d"}', "\ud83d"),
        ('{"requestId":1}', ""),
        ("{}", ""),
        ("junk", ""),
        ("[" * 100_000, ""),
    ],
)
def test_an_error_finds_its_addressee(text: str, request_id: str) -> None:
    assert WIRE_V03.request_id_of(text) == request_id


def test_an_admin_secret_is_not_printed() -> None:
    request = AdminInfoReq(request_id="r", admin_secret="hunter2")
    assert "hunter2" not in repr(request)
    assert "hunter2" in encode_message(request)
