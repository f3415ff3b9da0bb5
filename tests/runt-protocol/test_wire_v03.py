"""What only LiveStore 0.3 spells so; `test_wires` has the rules that 0.4 shares."""

import json
from pathlib import Path

import pytest
from protocol_rig import frames, recordings

from runt_protocol import WIRE_V03, WireError
from runt_protocol._messages import AdminInfoReq
from runt_protocol._wire_v03 import decode_message, encode_message

# Frames that the recordings hold because a peer ignores them, by what is wrong.
REFUSED = {
    "19-message-leniency": 9,
    "raw-probes": 15,
}
# Frames that are valid but hold fields that the protocol does not know, or another key
# order: they come back as the real peers would have written them.
REWRITTEN = {"19-message-leniency": 2, "raw-probes": 3}


@pytest.mark.parametrize("path", recordings("ws"), ids=lambda path: path.stem)
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


@pytest.mark.parametrize(
    "frame",
    [
        '"\\ud83d"',
        '{"_tag":"WSMessage.Nope","requestId":"x"}',
        '{"_tag":"WSMessage.Nope","requestId":"\\ud83d"}',
        '{"_tag":"WSMessage.Ping","requestId":"pong"}',
        '{"_tag":"WSMessage.PullReq","requestId":"x","cursor":null}',
        '{"_tag":"WSMessage.PullReq","requestId":"\\ud83d","cursor":null}',
        '{"_tag":"WSMessage.PullReq","requestId":"x","cursor":9007199254740992}',
        '{"_tag":"WSMessage.PushReq","requestId":"\\ud83d","batch":{}}',
        '{"_tag":"WSMessage.PushReq","requestId":"\\ud83d","batch":[1]}',
    ],
)
def test_what_is_no_message_is_refused(frame: str) -> None:
    with pytest.raises(WireError, match="no sync message"):
        WIRE_V03.decode(frame)


def test_an_admin_secret_is_not_printed() -> None:
    request = AdminInfoReq(request_id="r", admin_secret="hunter2")
    assert "hunter2" not in repr(request)
    assert "hunter2" in encode_message(request)
