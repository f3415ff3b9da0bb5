"""What a sync room does differently for clients whose events come as a stream."""

from collections.abc import Sequence
from typing import Any

import pytest

from runt_protocol import (
    WIRE_V03,
    Append,
    Close,
    Effect,
    Limits,
    LoggedEvent,
    Read,
    Send,
    StoredEvent,
    SyncRoom,
    WireV04,
)
from runt_protocol._messages import (
    ErrorRes,
    Failure,
    Message,
    OtherLog,
    Ping,
    Pong,
    PullAck,
    PullEnd,
    PullReq,
    PullRes,
    PushAck,
    PushReq,
    ServerAhead,
    StopPull,
)

NOW = "2026-11-23T08:00:00.000Z"
WIRE = WireV04("store")


def event(number: int, text: str = "") -> LoggedEvent:
    return LoggedEvent(
        name="v1.Debug",
        args_text=f'{{"id":"{number}{text}"}}',
        seq_num=number,
        parent_seq_num=number - 1,
        client_id="c",
        session_id="s",
    )


def pull(request_id: str = "0", cursor: int = 0, **more: Any) -> PullReq:
    if not cursor:
        return PullReq(request_id=request_id, **more)
    more.setdefault("backend_id", "log")
    return PullReq(request_id=request_id, cursor=cursor, **more)


def push(
    *numbers: int, request_id: str = "9", backend_id: str | None = None
) -> PushReq:
    batch = tuple(map(event, numbers))
    return PushReq(request_id=request_id, batch=batch, backend_id=backend_id)


STALE = PushReq(request_id="9", batch=(event(1, "another"),))


class Edge:
    """Does what a room says, with a list for a log."""

    def __init__(self, head: int = 0, limits: Limits | None = None) -> None:
        self.log = [
            StoredEvent(event=event(number), created_at=NOW)
            for number in range(1, head + 1)
        ]
        self.room = SyncRoom(head, limits=limits, backend_id="log")
        self.sent: list[tuple[object, Any]] = []
        self.closed: list[object] = []
        self.reads: list[Read] = []

    def connect(self, *conn_ids: str) -> None:
        for conn_id in conn_ids:
            self.room.connect(conn_id, WIRE)

    def receive(self, conn_id: str, message: Message) -> None:
        text = WIRE.encode(message)
        assert text is not None
        self.perform(self.room.receive(conn_id, text, created_at=NOW))

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(conn_id, text):
                    wire = WIRE if '"WSMessage.' not in text else WIRE_V03
                    self.sent.append((conn_id, wire.decode(text)))
                case Append(events):
                    self.log.extend(events)
                    self.perform(self.room.appended())
                case Read():
                    self.reads.append(effect)
                case Close(conn_id, reason):
                    assert reason
                    self.closed.append(conn_id)
                case _:
                    raise AssertionError(f"0.4 needs no {effect}")

    def read(self) -> None:
        while self.reads:
            read = self.reads.pop(0)
            rows = self.log[read.after : read.up_to]
            self.perform(self.room.read_chunk(read.conn_id, rows))

    def exchange(self, conn_id: str, *messages: Message) -> list[tuple[object, Any]]:
        """Do everything that messages lead to and return what was sent."""
        for message in messages:
            self.receive(conn_id, message)
            self.read()
        sent, self.sent = self.sent, []
        return [(to, summary(message)) for to, message in sent]


def summary(message: Message) -> Any:
    if isinstance(message, PullRes):
        numbers = [stored.event.seq_num for stored in message.batch]
        return message.request_id, numbers, message.remaining
    return message


def test_a_pull_names_the_log_and_counts_what_is_to_come() -> None:
    edge = Edge(head=250)
    edge.connect("a")
    edge.receive("a", pull(cursor=20))
    edge.read()
    assert {message.backend_id for _, message in edge.sent} == {"log"}
    answers = [summary(message) for _, message in edge.sent]
    assert [(len(n), more) for _, n, more in answers] == [
        (100, 130),
        (100, 30),
        (30, 0),
    ]


def test_what_is_pushed_answers_the_live_pull_of_everybody() -> None:
    edge = Edge()
    edge.connect("a", "b", "c")
    edge.room.connect("old")
    edge.room.receive(
        "old", '{"_tag":"WSMessage.PullReq","requestId":"x"}', created_at=""
    )
    edge.exchange("a", pull("5"))
    edge.exchange("b", pull("6"))
    assert edge.exchange("a", push(1)) == [
        ("a", PushAck(request_id="9")),
        ("a", ("5", [1], 0)),
        ("b", ("6", [1], 0)),
        ("old", ("9", [1], 0)),
    ]


def test_a_pull_that_is_not_live_ends() -> None:
    edge = Edge(head=1)
    edge.connect("a")
    answers = edge.exchange("a", pull("1", live=False), pull("2", cursor=1, live=False))
    assert answers == [
        ("a", ("1", [1], 0)),
        ("a", PullEnd(request_id="1")),
        ("a", ("2", [], 0)),
        ("a", PullEnd(request_id="2")),
    ]
    assert edge.exchange("a", push(2)) == [("a", PushAck(request_id="9"))]


def test_a_pull_beside_a_live_one_leaves_it_alone() -> None:
    edge = Edge(head=2)
    edge.connect("a")
    edge.exchange("a", pull("1", cursor=2))
    edge.receive("a", pull("2", live=False))
    edge.receive("a", push(3))
    edge.read()
    assert edge.exchange("a")[0:1] == [("a", PushAck(request_id="9"))]
    edge.exchange("a", PullAck(request_id="1"))
    assert edge.exchange("a", push(4)) == [
        ("a", PushAck(request_id="9")),
        ("a", ("1", [4], 0)),
    ]


def test_a_second_live_pull_takes_the_place_of_the_first() -> None:
    edge = Edge(head=1)
    edge.connect("a")
    edge.exchange("a", pull("1"))
    assert edge.exchange("a", pull("2", cursor=1)) == [
        ("a", PullEnd(request_id="1")),
        ("a", ("2", [], 0)),
    ]
    assert edge.exchange("a", push(2))[-1] == ("a", ("2", [2], 0))


def test_a_stopped_stream_brings_nothing_more() -> None:
    edge = Edge()
    edge.connect("a")
    edge.exchange("a", pull("1"))
    ended = ("a", PullEnd(request_id="1", stopped=True))
    assert edge.exchange("a", StopPull(request_id="1")) == [ended]
    assert edge.exchange("a", StopPull(request_id="1")) == []
    assert edge.exchange("a", push(1)) == [("a", PushAck(request_id="9"))]
    assert edge.exchange("a", pull("2")) == [("a", ("2", [1], 0))]


def test_a_pull_that_is_stopped_while_it_is_read_goes_silent() -> None:
    edge = Edge(head=3, limits=Limits(pull_chunk_events=1))
    edge.connect("a")
    edge.receive("a", pull("1"))
    edge.receive("a", pull("2"))
    edge.receive("a", StopPull(request_id="1"))
    edge.read()
    ended = ("a", PullEnd(request_id="1", stopped=True))
    answers = [("a", ("2", [number], 3 - number)) for number in (1, 2, 3)]
    assert edge.exchange("a") == [ended, *answers]


def test_a_pull_that_waits_can_be_stopped() -> None:
    edge = Edge(head=1)
    edge.connect("a")
    edge.receive("a", pull("1"))
    edge.receive("a", pull("2"))
    edge.receive("a", StopPull(request_id="2"))
    edge.read()
    ended = ("a", PullEnd(request_id="2", stopped=True))
    assert edge.exchange("a") == [ended, ("a", ("1", [1], 0))]


def test_a_client_of_another_log_is_told() -> None:
    edge = Edge(head=1)
    edge.connect("a")
    other = OtherLog(expected="log", received="x")
    beyond = OtherLog(expected="log", received="log")
    refusals = [
        (pull("1", cursor=1, backend_id="x"), other),
        (push(2, backend_id="x", request_id="1"), other),
        (pull("1", cursor=2), beyond),
    ]
    for request, cause in refusals:
        assert edge.exchange("a", request) == [
            ("a", ErrorRes(request_id="1", message=str(cause), cause=cause))
        ]


def test_a_stale_push_is_told_where_the_log_ends() -> None:
    edge = Edge(head=3)
    edge.connect("a")
    edge.exchange("a", pull("1"))
    ahead = ServerAhead(head=3, parent=0)
    refusal = ErrorRes(request_id="9", message=str(ahead), cause=ahead)
    assert edge.exchange("a", STALE) == [("a", refusal)]
    assert edge.closed == []


def test_a_push_that_is_repeated_is_acknowledged() -> None:
    edge = Edge(head=3)
    edge.connect("a")
    edge.exchange("a", pull("1"))
    assert edge.exchange("a", push(2, 3)) == [("a", PushAck(request_id="9"))]
    assert edge.exchange("a", push(3, 4)) == [
        ("a", PushAck(request_id="9")),
        ("a", ("1", [4], 0)),
    ]


@pytest.mark.parametrize("messages", [[Ping(), Ping()], [STALE]])
def test_a_client_that_never_pulls_is_made_to_reconnect(
    messages: list[Message],
) -> None:
    # The real client, after it missed a Pong: vectors/ws-v04/14-pong-lost.
    edge = Edge(head=3)
    edge.connect("a")
    edge.exchange("a", *messages)
    assert edge.closed == ["a"]


def test_a_ping_is_answered() -> None:
    edge = Edge()
    edge.connect("a")
    answers = edge.exchange("a", pull("1"), Ping(), Ping(), Ping())
    assert answers[1:] == [("a", Pong())] * 3
    assert edge.closed == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("junk", Failure),
        ('{"_tag":"Request","id":"7","tag":"SyncWsRpc.Nope","payload":{}}', ErrorRes),
        ('{"_tag":"Chunk"}', Failure),
        ('{"_tag":"Exit","requestId":"7","exit":{"_tag":"Success"}}', ErrorRes),
    ],
)
def test_nonsense_is_answered_and_does_no_harm(text: str, answer: type) -> None:
    edge = Edge()
    edge.connect("a")
    edge.perform(edge.room.receive("a", text, created_at=NOW))
    ((_, message),) = edge.sent
    assert isinstance(message, answer)
    edge.sent.clear()
    assert edge.exchange("a", push(1)) == [("a", PushAck(request_id="9"))]
