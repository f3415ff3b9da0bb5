"""What holds for both versions of the protocol, however they spell it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from protocol_rig import frames, recordings

import runt_protocol._messages as msg
from runt_protocol import WIRE_V03, Wire, WireError, WireV04
from runt_protocol.testing import messages, messages_v04


class Version(msgspec.Struct, frozen=True):
    """A version of the protocol.

    Attributes:
        wire: Its wire.
        folder: Where its recordings are.
        messages: Everything that it can say.
        push: A push of one event with the args `ARGS`.
        request_id: The member of a frame that names a request.
    """

    wire: Wire
    folder: str
    messages: st.SearchStrategy[Any]
    push: str
    request_id: str


EVENT = (
    '{"name":"n","args":ARGS,"seqNum":1,"parentSeqNum":0,'
    '"clientId":"c","sessionId":"s"}'
)
VERSIONS = [
    Version(
        WIRE_V03,
        "ws",
        messages(),
        f'{{"_tag":"WSMessage.PushReq","requestId":"r","batch":[{EVENT}]}}',
        "requestId",
    ),
    Version(
        WireV04("store"),
        "ws-v04",
        messages_v04(),
        '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Push","payload":{'
        f'"storeId":"store","batch":[{EVENT}],"backendId":{{"_tag":"None"}}}},'
        '"headers":[]}',
        "id",
    ),
]
of_both_versions = pytest.mark.parametrize(
    "version", VERSIONS, ids=[version.wire.version for version in VERSIONS]
)


def odd(frame: str) -> str:
    """Add a member that nobody knows, for which msgspec refuses the frame."""
    return frame.replace("{", '{"odd":"\\ud83d",', 1)


@pytest.mark.parametrize(
    ("version", "path"),
    [
        pytest.param(version, path, id=f"{version.wire.version}-{path.stem}")
        for version in VERSIONS
        for path in recordings(version.folder)
    ],
)
def test_the_slow_way_reads_the_same(version: Version, path: Any) -> None:
    for frame in frames(path):
        try:
            message = version.wire.decode(frame)
        except WireError:
            with pytest.raises(WireError):
                version.wire.decode(odd(frame))
        else:
            assert version.wire.decode(odd(frame)) == message


@of_both_versions
@given(data=st.data())
def test_what_is_written_reads_back(version: Version, data: st.DataObject) -> None:
    message = data.draw(version.messages)
    frame = version.wire.encode(message)
    assert frame is not None
    frame.encode()
    assert version.wire.decode(frame) == message
    assert version.wire.decode(odd(frame)) == message


@of_both_versions
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
def test_the_text_of_args_is_kept(version: Version, args: str) -> None:
    frame = version.push.replace("ARGS", args)
    message = version.wire.decode(frame)
    assert isinstance(message, msg.PushReq)
    assert message.batch[0].args_text == args
    assert version.wire.encode(message) == frame


@of_both_versions
def test_absent_args_stay_absent(version: Version) -> None:
    frame = version.push.replace('"args":ARGS,', "")
    message = version.wire.decode(frame)
    assert isinstance(message, msg.PushReq)
    assert message.batch[0].args_text is None
    assert version.wire.encode(message) == frame


@of_both_versions
@pytest.mark.parametrize(
    "frame",
    ["", "\ud83d", "junk", "[]", "[" * 100_000, '["\\ud83d",' + "[" * 100_000],
)
def test_what_is_no_message_is_refused(version: Version, frame: str) -> None:
    with pytest.raises(WireError, match="no sync message"):
        version.wire.decode(frame)


@of_both_versions
@pytest.mark.parametrize(
    "args", ["\\ud83d", "[" * 100_000, '["\\ud83d",' + "[" * 100_000]
)
def test_args_that_are_no_json_are_refused(version: Version, args: str) -> None:
    with pytest.raises(WireError, match="no sync message"):
        version.wire.decode(version.push.replace("ARGS", args))


@of_both_versions
@pytest.mark.parametrize(
    ("args", "number"), [('"\\ud83d"', "-1"), ("1", "9007199254740992")]
)
def test_a_number_that_javascript_has_not_is_refused(
    version: Version, args: str, number: str
) -> None:
    frame = version.push.replace("ARGS", args)
    with pytest.raises(WireError, match="no sync message"):
        version.wire.decode(frame.replace('"seqNum":1', f'"seqNum":{number}'))


@of_both_versions
@pytest.mark.parametrize(
    ("text", "request_id"),
    [
        ('{"ID":"x","cursor":null}', "x"),
        ('{"ID":"\\ud83d"}', "\ud83d"),
        ('{"ID":1}', ""),
        ("{}", ""),
        ("junk", ""),
        ("[" * 100_000, ""),
    ],
)
def test_an_error_finds_its_addressee(
    version: Version, text: str, request_id: str
) -> None:
    found = version.wire.request_id_of(text.replace("ID", version.request_id))
    assert found == request_id
