"""What a sync room refuses: from its clients, and from its edge."""

import pytest
from msgspec.structs import replace
from protocol_rig import (
    ACK,
    NOW,
    ODD_PING,
    Edge,
    error,
    event,
    pull,
    push,
    push_of,
    stored,
)

from runt_protocol import (
    Append,
    Limits,
    LoggedEvent,
    Send,
    SyncRoom,
    UsageError,
)


@pytest.mark.parametrize(
    ("batch", "why"),
    [
        (
            [event(1), event(3)],
            "Invalid event numbers. Received e3 after e2 but expected e2 after e1",
        ),
        (
            [event(1), event(1)],
            "Invalid event numbers. Received e1 after e0 but expected e2 after e1",
        ),
        (
            [event(1), replace(event(2), parent_seq_num=0)],
            "Invalid event numbers. Received e2 after e0 but expected e2 after e1",
        ),
        (
            [replace(event(10), parent_seq_num=0)],
            "Invalid event numbers. Received e10 after e0 but expected e1 after e0",
        ),
        (
            [event(1, args='"\\ud83d"', name="x\ud83d")],
            (
                "Invalid event e1 (x\ud83d): "
                "a lone surrogate stands in its name, clientId or sessionId"
            ),
        ),
    ],
)
def test_every_number_is_checked(batch: list[LoggedEvent], why: str) -> None:
    edge = Edge()
    edge.connect("a")
    assert edge.exchange("a", push_of(*batch)) == [("a", error(why))]
    assert edge.exchange("a", push(1, 1)) == [("a", ACK), ("a", ("push", [1], 0))]


def test_a_known_event_with_wrong_args_is_refused() -> None:
    edge = Edge()
    edge.connect("a")
    poison = event(2, name="v1.NotebookTitleChanged", args='{"title":1}')
    ((_, answer),) = edge.exchange("a", push_of(event(1), poison))
    assert answer["_tag"] == "WSMessage.Error"
    assert answer["message"].startswith("Invalid event e2 (v1.NotebookTitleChanged): ")
    assert edge.room.head == 0


def test_an_unknown_event_is_kept_as_it_is() -> None:
    edge = Edge()
    edge.connect("a")
    (append,) = edge.receive("a", push_of(event(1, name="v9.New", args="[ null ]")))
    assert isinstance(append, Append)
    assert append.events[0].event.args_text == "[ null ]"


@pytest.mark.parametrize(
    ("frame", "request_id"),
    [
        ("junk", ""),
        ("{}", ""),
        ('{"_tag":"WSMessage.Nope","requestId":"x"}', "x"),
        ('{"_tag":"WSMessage.PullReq","requestId":"x","cursor":null}', "x"),
        ('{"_tag":"WSMessage.PushAck","requestId":"x"}', "x"),
        ('{"_tag":"WSMessage.AdminInfoReq","requestId":"x","adminSecret":"s"}', "x"),
        ('{"_tag":"WSMessage.AdminResetRoomReq","requestId":"x","adminSecret":"s"}',
         "x"),
    ],
)  # fmt: skip
def test_what_is_no_request_gets_an_error_and_harms_nobody(
    frame: str, request_id: str
) -> None:
    edge = Edge()
    edge.connect("a")
    ((_, answer),) = edge.exchange("a", frame)
    assert answer["_tag"] == "WSMessage.Error"
    assert answer["requestId"] == request_id
    assert edge.exchange("a", push(1, 1)) == [("a", ACK), ("a", ("push", [1], 0))]


@pytest.mark.parametrize("text", ["x" * 101, "é" * 51])
def test_an_oversized_message_is_refused(text: str) -> None:
    edge = Edge(limits=Limits(max_message_bytes=100))
    edge.connect("a")
    why = "A message may have 100 bytes at most"
    assert edge.exchange("a", text) == [("a", error(why, ""))]


def test_a_message_of_the_greatest_size_is_taken() -> None:
    edge = Edge(limits=Limits(max_message_bytes=len(pull(request_id="é")) + 1))
    edge.connect("a")
    assert edge.exchange("a", pull(request_id="é")) == [("a", ("pull", [], 0))]


def test_a_ping_is_answered_in_any_spelling_and_a_pong_is_not() -> None:
    edge = Edge()
    edge.connect("a")
    pong = '{"_tag":"WSMessage.Pong","requestId":"ping"}'
    assert edge.room.receive("a", ODD_PING, created_at=NOW) == [
        Send("a", pong, probe=1)
    ]
    assert edge.room.receive("a", ODD_PING, created_at=NOW) == [Send("a", pong)]
    assert edge.exchange("a", pong) == []


def test_the_edge_is_told_what_it_does_wrong() -> None:
    room = SyncRoom(5)
    with pytest.raises(UsageError, match="no connection"):
        room.receive("a", ODD_PING, created_at=NOW)
    room.connect("a")
    with pytest.raises(UsageError, match="already"):
        room.connect("a")
    with pytest.raises(UsageError, match="no Append"):
        room.appended()
    with pytest.raises(UsageError, match="no Append"):
        room.append_failed("x")
    with pytest.raises(UsageError, match="nothing is read"):
        room.read_chunk("a", stored(1, 1))
    room.receive("a", pull(2), created_at=NOW)
    for first, last in [(2, 3), (4, 5), (3, 6)]:
        with pytest.raises(UsageError, match="e3 to e5"):
            room.read_chunk("a", stored(first, last))
    assert room.read_chunk("left", stored(3, 5)) == []
    assert room.read_chunk("a", ()) == []
    assert len(room.read_chunk("a", stored(3, 5))) == 1
