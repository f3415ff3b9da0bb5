import json
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from runt_protocol import (
    Append,
    Limits,
    LoggedEvent,
    Read,
    Send,
    StoredEvent,
    SyncRoom,
    UsageError,
)
from runt_protocol._messages import PullReq, PullRes, PushReq
from runt_protocol._room_effects import Effect
from runt_protocol._wire_v03 import MessageV03 as Message
from runt_protocol._wire_v03 import decode_message, encode_message

NOW = "2026-11-23T08:00:00.000Z"
PING = '{ "requestId" : "ping", "_tag":"WSMessage.Ping" }'


def event(
    number: int, *, args: str | None = None, name: str = "v1.Debug"
) -> LoggedEvent:
    return LoggedEvent(
        name=name,
        args_text=args or f'{{ "id": "{number}" }}',
        seq_num=number,
        parent_seq_num=number - 1,
        client_id="c",
        session_id="s",
    )


def stored(first: int, last: int) -> tuple[StoredEvent, ...]:
    return tuple(
        StoredEvent(event=event(number), created_at=NOW)
        for number in range(first, last + 1)
    )


def push(first: int, last: int) -> str:
    return push_of(*(event(number) for number in range(first, last + 1)))


def other_push(first: int, last: int) -> str:
    """A push of events that are not those of the log."""
    return push_of(
        *(
            replace(event(number), session_id="other")
            for number in range(first, last + 1)
        )
    )


def push_of(*events: LoggedEvent) -> str:
    return encode_message(PushReq(request_id="push", batch=events))


def pull(cursor: int | None = None, request_id: str = "pull") -> str:
    if cursor is None:
        return encode_message(PullReq(request_id=request_id))
    return encode_message(PullReq(request_id=request_id, cursor=cursor))


class Edge:
    """Does what a room says, with a list for a log."""

    def __init__(self, head: int = 0, limits: Limits | None = None) -> None:
        self.log = list(stored(1, head))
        self.room = SyncRoom(head, limits=limits)
        self.sent: list[tuple[object, Message]] = []

    def connect(self, *conn_ids: str) -> None:
        for conn_id in conn_ids:
            self.room.connect(conn_id)

    def receive(self, conn_id: str, text: str) -> list[Effect]:
        """Return what the room asks for besides sending."""
        return self.keep(self.room.receive(conn_id, text, created_at=NOW))

    def keep(self, effects: Sequence[Effect]) -> list[Effect]:
        rest: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Send):
                self.sent.append((effect.conn_id, decode_message(effect.text)))
            else:
                rest.append(effect)
        return rest

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Append):
                self.log.extend(effect.events)
                self.perform(self.keep(self.room.appended()))
            elif isinstance(effect, Read):
                rows = self.log[effect.after : effect.up_to]
                self.perform(self.keep(self.room.read_chunk(effect.conn_id, rows)))

    def exchange(self, conn_id: str, text: str) -> list[tuple[object, Any]]:
        """Do everything that a frame leads to and return what was sent."""
        self.perform(self.receive(conn_id, text))
        return self.taken()

    def taken(self) -> list[tuple[object, Any]]:
        sent, self.sent = self.sent, []
        return [(conn_id, summary(message)) for conn_id, message in sent]


def summary(message: Message) -> Any:
    match message:
        case PullRes():
            numbers = [s.event.seq_num for s in message.batch]
            return message.context, numbers, message.remaining
        case _:
            return json.loads(encode_message(message))


def error(message: str, request_id: str = "push") -> dict[str, str]:
    return {"_tag": "WSMessage.Error", "requestId": request_id, "message": message}


ACK = {"_tag": "WSMessage.PushAck", "requestId": "push"}


# Pull


def test_a_pull_brings_what_is_above_the_cursor_in_chunks_of_100() -> None:
    edge = Edge(head=250)
    edge.connect("a")
    assert edge.exchange("a", pull(10)) == [
        ("a", ("pull", list(range(11, 111)), 140)),
        ("a", ("pull", list(range(111, 211)), 40)),
        ("a", ("pull", list(range(211, 251)), 0)),
    ]


@pytest.mark.parametrize("cursor", [None, 0, -5])
def test_a_pull_from_the_beginning(cursor: int | None) -> None:
    edge = Edge(head=2)
    edge.connect("a")
    assert edge.exchange("a", pull(cursor)) == [("a", ("pull", [1, 2], 0))]


def test_a_full_chunk_is_the_last_one() -> None:
    # An empty last chunk ends the JavaScript client's syncing (vector 22).
    edge = Edge(head=200)
    edge.connect("a")
    chunks = [remaining for _, (_, _, remaining) in edge.exchange("a", pull())]
    assert chunks == [100, 0]


def test_nothing_new_is_one_empty_answer() -> None:
    edge = Edge(head=2)
    edge.connect("a")
    assert edge.exchange("a", pull(2)) == [("a", ("pull", [], 0))]


def test_a_cursor_behind_the_end_of_the_log_is_refused() -> None:
    edge = Edge(head=2)
    edge.connect("a")
    why = "The log ends at e2, but the cursor is e9"
    assert edge.exchange("a", pull(9)) == [("a", error(why, "pull"))]


def test_large_events_make_small_chunks() -> None:
    edge = Edge(head=5, limits=Limits(pull_chunk_bytes=20))
    edge.connect("a")
    answers = [answer for _, answer in edge.exchange("a", pull())]
    assert answers == [("pull", [1, 2], 3), ("pull", [3, 4], 1), ("pull", [5], 0)]


def test_the_edge_reads_at_its_own_pace() -> None:
    edge = Edge(head=5)
    edge.connect("a")
    assert edge.receive("a", pull()) == [Read("a", 0, 5)]
    for first, last in [(1, 1), (2, 4), (5, 5)]:
        assert edge.keep(edge.room.read_chunk("a", stored(first, last))) == []
    assert [answer for _, answer in edge.taken()] == [
        ("pull", [1], 4),
        ("pull", [2, 3, 4], 1),
        ("pull", [5], 0),
    ]


def test_pulls_on_one_connection_wait_for_each_other() -> None:
    edge = Edge(head=3, limits=Limits(max_waiting_pulls=2))
    edge.connect("a")
    reads = edge.receive("a", pull(0))
    assert edge.receive("a", pull(3, "second")) == []
    assert edge.receive("a", pull(2, "third")) == []
    assert edge.receive("a", pull(0, "fourth")) == []
    edge.perform(reads)
    assert edge.taken() == [
        ("a", error("Too many pulls at once on this connection", "fourth")),
        ("a", ("pull", [1, 2, 3], 0)),
        ("a", ("pull", [], 0)),
        ("a", ("pull", [3], 0)),
    ]


# Push


def test_a_push_is_stored_then_acknowledged_then_broadcast() -> None:
    edge = Edge(head=2)
    edge.connect("a", "b")
    edge.exchange("a", pull())
    edge.exchange("b", pull())
    (append,) = edge.receive("a", push(3, 4))
    assert append == Append(stored(3, 4))
    assert edge.taken() == []
    assert edge.room.head == 2
    edge.perform([append])
    assert edge.taken() == [
        ("a", ACK),
        ("a", ("push", [3, 4], 0)),
        ("b", ("push", [3, 4], 0)),
    ]
    assert edge.room.head == 4


def test_args_go_out_byte_for_byte() -> None:
    edge = Edge()
    edge.connect("a")
    args = '{ "key":"k" ,"zz":1.50, "value":"\\ud83d\\u00e9" }'
    odd = event(1, name="v1.NotebookMetadataSet", args=args)
    (append,) = edge.room.receive("a", push_of(odd), created_at=NOW)
    assert isinstance(append, Append)
    _, broadcast = edge.room.appended()
    assert isinstance(broadcast, Send)
    assert f'"args":{args},' in broadcast.text
    (read,) = edge.room.receive("a", pull(), created_at=NOW)
    assert isinstance(read, Read)
    (answer,) = edge.room.read_chunk("a", append.events)
    assert isinstance(answer, Send)
    assert f'"args":{args},' in answer.text


def test_a_broadcast_is_encoded_once_for_all() -> None:
    edge = Edge()
    edge.connect("a", "b", "c")
    for conn_id in ("a", "b", "c"):
        edge.receive(conn_id, pull())
    edge.receive("a", push(1, 1))
    _, *broadcasts = edge.room.appended()
    assert len({id(send.text) for send in broadcasts if isinstance(send, Send)}) == 1
    assert len(broadcasts) == 3


def test_an_empty_push_is_acknowledged() -> None:
    edge = Edge(head=2)
    edge.connect("a")
    empty = encode_message(PushReq(request_id="push", batch=()))
    assert edge.exchange("a", empty) == [("a", ACK)]


def test_pushes_may_be_committed_together() -> None:
    edge = Edge()
    edge.connect("a", "b")
    first = edge.receive("a", push(1, 2))
    second = edge.receive("b", push(3, 3))
    assert [*first, *second] == [Append(stored(1, 2)), Append(stored(3, 3))]
    edge.keep(edge.room.appended())
    edge.keep(edge.room.appended())
    assert edge.taken() == [
        ("a", ACK),
        ("a", ("push", [1, 2], 0)),
        ("b", ACK),
        ("a", ("push", [3], 0)),
        ("b", ("push", [3], 0)),
    ]


def test_a_failed_append_takes_those_behind_it_along() -> None:
    edge = Edge()
    edge.connect("a", "b", "gone")
    edge.receive("a", push(1, 2))
    edge.receive("b", push(3, 3))
    edge.receive("gone", push(4, 4))
    edge.room.disconnect("gone")
    edge.keep(edge.room.append_failed("the disk is full"))
    why = error("The events could not be stored: the disk is full")
    assert edge.taken() == [("a", why), ("b", why)]
    assert edge.exchange("a", push(1, 1)) == [("a", ACK), ("a", ("push", [1], 0))]


def test_what_a_lost_connection_pushed_is_stored() -> None:
    edge = Edge()
    edge.connect("a", "b")
    edge.receive("b", pull())
    edge.taken()
    effects = edge.receive("a", push(1, 1))
    edge.room.disconnect("a")
    edge.room.disconnect("a")
    assert not edge.room.is_empty
    edge.perform(effects)
    assert edge.taken() == [("b", ("push", [1], 0))]
    edge.room.disconnect("b")
    assert edge.room.is_empty


# What the JavaScript client needs (protocol.md, «What follows for us»)


def test_a_stale_push_is_refused_in_the_real_servers_words_and_healed() -> None:
    # The client reconnected and did not pull: its push shows its head (vector 09).
    edge = Edge(head=3)
    edge.connect("a")
    assert edge.exchange("a", other_push(2, 2)) == [
        ("a", error("Invalid parent event number. Received e1 but expected e3")),
        ("a", ("push", [2, 3], 0)),
    ]
    assert edge.exchange("a", push(4, 4)) == [("a", ACK), ("a", ("push", [4], 0))]


def test_healing_repeats_nothing_that_was_sent() -> None:
    edge = Edge(head=3)
    edge.connect("a")
    edge.exchange("a", pull())
    stale = error("Invalid parent event number. Received e1 but expected e3")
    assert edge.exchange("a", other_push(2, 2)) == [("a", stale)]
    assert edge.exchange("a", other_push(2, 2)) == [("a", stale)]


def test_healing_repeats_nothing_that_was_broadcast() -> None:
    edge = Edge()
    edge.connect("a", "b")
    edge.exchange("a", pull())
    edge.exchange("b", push(1, 1))
    stale = error("Invalid parent event number. Received e0 but expected e1")
    assert edge.exchange("a", other_push(1, 1)) == [("a", stale)]


def test_healing_repeats_nothing_that_a_push_during_a_pull_shows() -> None:
    edge = Edge(head=3)
    edge.connect("a", "b")
    reads = edge.receive("a", pull())
    edge.exchange("b", push(4, 4))
    edge.exchange("b", push(5, 5))
    edge.receive("a", other_push(5, 5))
    edge.taken()
    edge.perform(reads)
    assert edge.taken() == [
        ("a", ("pull", [1, 2, 3], 0)),
        ("a", error("Invalid parent event number. Received e4 but expected e5")),
        ("a", ("push", [5], 0)),
    ]


def test_healing_repeats_nothing_that_the_parent_shows() -> None:
    edge = Edge(head=9)
    edge.connect("a")
    edge.exchange("a", push(3, 3))
    edge.log += stored(10, 10)
    answers = edge.exchange("a", push(13, 13))
    assert answers == [
        ("a", error("Invalid parent event number. Received e12 but expected e9"))
    ]


def test_a_push_that_is_stored_already_is_acknowledged_and_not_stored_again() -> None:
    # Loaded again, the JavaScript client pushes what it did not see confirmed.
    edge = Edge(head=3)
    edge.connect("a")
    reads = edge.receive("a", pull(1))
    assert edge.receive("a", push(2, 3)) == []  # behind the pull
    edge.perform(reads)
    assert edge.taken() == [("a", ("pull", [2, 3], 0)), ("a", ACK)]
    assert len(edge.log) == 3


def test_what_is_new_in_a_repeated_push_is_stored() -> None:
    edge = Edge(head=3)
    edge.connect("a", "b")
    edge.exchange("b", pull(3))
    assert edge.exchange("a", push(2, 5)) == [
        ("a", ACK),
        ("b", ("push", [4, 5], 0)),
        ("a", ("push", [2, 3], 0)),
        ("a", ("push", [4, 5], 0)),
    ]
    assert [item.event.seq_num for item in edge.log] == [1, 2, 3, 4, 5]


def test_a_push_that_only_begins_like_the_log_is_refused() -> None:
    edge = Edge(head=3)
    edge.connect("a")
    edge.exchange("a", pull())
    batch = (event(2), replace(event(3), session_id="another"), event(4))
    assert edge.exchange("a", push_of(*batch)) == [
        ("a", error("Invalid parent event number. Received e2 but expected e3"))
    ]
    assert edge.exchange("a", push(4, 4)) == [("a", ACK), ("a", ("push", [4], 0))]


def test_one_push_waits_for_a_comparison_and_no_more() -> None:
    edge = Edge(head=3)
    edge.connect("a")
    reads = edge.receive("a", pull())
    edge.receive("a", push(2, 3))
    assert edge.exchange("a", push(3, 3)) == [
        ("a", error("Invalid parent event number. Received e2 but expected e3"))
    ]
    edge.perform(reads)
    assert edge.taken() == [("a", ("pull", [1, 2, 3], 0)), ("a", ACK)]


def test_a_long_push_is_compared_chunk_by_chunk() -> None:
    edge = Edge(head=250)
    edge.connect("a")
    edge.exchange("a", pull(250))
    assert edge.exchange("a", push(1, 250)) == [("a", ACK)]
    other = replace(event(1), client_id="another")
    batch = (other, *(event(number) for number in range(2, 251)))
    assert edge.exchange("a", push_of(*batch)) == [
        ("a", error("Invalid parent event number. Received e0 but expected e250"))
    ]


def test_a_long_absence_is_healed_in_batches_of_100() -> None:
    edge = Edge(head=250)
    edge.connect("a")
    answers = [answer for _, answer in edge.exchange("a", push(2, 2))[1:]]
    assert answers == [
        ("push", list(range(2, 102)), 0),
        ("push", list(range(102, 202)), 0),
        ("push", list(range(202, 251)), 0),
    ]


def test_who_has_not_said_where_it_stands_gets_no_broadcast() -> None:
    edge = Edge()
    edge.connect("a", "silent")
    edge.exchange("silent", PING)
    assert edge.exchange("a", push(1, 1)) == [("a", ACK), ("a", ("push", [1], 0))]
    assert edge.exchange("silent", push(2, 2)) == [
        ("silent", ACK),
        ("a", ("push", [2], 0)),
        ("silent", ("push", [2], 0)),
    ]


def test_a_push_that_waits_shows_its_head_too() -> None:
    # b learns of e1 by a broadcast as soon as it is stored, not by healing.
    edge = Edge()
    edge.connect("a", "b")
    effects = edge.receive("a", push(1, 1))
    edge.receive("b", push(1, 1))
    stale = error("Invalid parent event number. Received e0 but expected e1")
    assert edge.taken() == [("b", stale)]
    edge.perform(effects)
    assert edge.taken() == [
        ("a", ACK),
        ("a", ("push", [1], 0)),
        ("b", ("push", [1], 0)),
    ]


def test_broadcasts_wait_until_a_pull_is_answered() -> None:
    edge = Edge(head=3)
    edge.connect("a", "b")
    edge.exchange("b", pull())
    reads = edge.receive("a", pull())
    assert edge.exchange("b", push(4, 5)) == [("b", ACK), ("b", ("push", [4, 5], 0))]
    edge.perform(reads)
    assert edge.taken() == [
        ("a", ("pull", [1, 2, 3], 0)),
        ("a", ("push", [4, 5], 0)),
    ]


def test_a_broadcast_leaves_out_what_the_client_has_shown() -> None:
    # e1 is not stored yet when a client shows that it has it.
    edge = Edge()
    edge.connect("a", "b")
    effects = edge.receive("a", push(1, 2))
    edge.receive("b", push(5, 5))
    edge.receive("b", push(2, 2))
    edge.taken()
    edge.perform(effects)
    assert edge.taken() == [("a", ACK), ("a", ("push", [1, 2], 0))]
    edge.connect("c")
    effects = edge.receive("a", push(3, 4))
    edge.receive("c", push(4, 4))
    edge.taken()
    edge.perform(effects)
    assert ("c", ("push", [4], 0)) in edge.taken()


# What is refused


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
    assert edge.room.receive("a", PING, created_at=NOW) == [Send("a", pong, probe=1)]
    assert edge.room.receive("a", PING, created_at=NOW) == [Send("a", pong)]
    assert edge.exchange("a", pong) == []


# What an edge must not do


def test_the_edge_is_told_what_it_does_wrong() -> None:
    room = SyncRoom(5)
    with pytest.raises(UsageError, match="no connection"):
        room.receive("a", PING, created_at=NOW)
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
