import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runt_protocol import (
    Confirmed,
    EncodedEvent,
    EventTooLargeError,
    Limits,
    LoggedEvent,
    Phase,
    Received,
    StoredEvent,
    SyncClient,
    Update,
    UsageError,
    WireError,
)
from runt_protocol._messages import (
    ErrorRes,
    Ping,
    Pong,
    PullReq,
    PullRes,
    PushAck,
    PushReq,
)
from runt_protocol._wire_v03 import MessageV03 as Message
from runt_protocol._wire_v03 import decode_message, encode_message

VECTORS = Path(__file__).parent / "vectors" / "ws"
PING = encode_message(Ping())
PONG = encode_message(Pong())


def own(text: str, name: str = "v1.NotebookTitleChanged") -> EncodedEvent:
    return EncodedEvent(name=name, args_text=f'{{"title":"{text}"}}')


def logged(text: str, number: int, client: str = "foreign") -> LoggedEvent:
    return LoggedEvent(
        name="v1.NotebookTitleChanged",
        args_text=f'{{"title":"{text}"}}',
        seq_num=number,
        parent_seq_num=number - 1,
        client_id=client,
        session_id="session",
    )


def frame_of(
    events: Sequence[LoggedEvent],
    *,
    pull: str | None = None,
    remaining: int = 0,
) -> str:
    return encode_message(
        PullRes(
            batch=tuple(StoredEvent(event=e, created_at=None) for e in events),
            context="push" if pull is None else "pull",
            request_id=pull or "somebody's",
            remaining=remaining,
        )
    )


class Driver:
    """A client with the answers that a test gives it."""

    def __init__(self, limits: Limits | None = None, cursor: int = 0) -> None:
        self.client = SyncClient(
            client_id="own", session_id="session", cursor=cursor, limits=limits
        )
        self.now = 100.0
        self.pull_id = ""
        self.push_id = ""

    def open(self) -> list[Message]:
        self.client.connection_opened(self.now)
        return self.sent()

    def go_live(self, *events: LoggedEvent) -> None:
        self.open()
        self.receive(PONG)
        self.answer_pull(*events)

    def lose(self) -> None:
        self.client.connection_lost(self.now, jitter=1.0)

    def sent(self) -> list[Message]:
        messages = [decode_message(frame) for frame in self.client.data_to_send()]
        for message in messages:
            if isinstance(message, PullReq):
                self.pull_id = message.request_id
            elif isinstance(message, PushReq):
                self.push_id = message.request_id
        return messages

    def pushed(self) -> list[tuple[int, Any]]:
        """Return what is pushed now, as numbers and titles."""
        return [
            (event.seq_num, json.loads(event.args_text or "")["title"])
            for message in self.sent()
            if isinstance(message, PushReq)
            for event in message.batch
        ]

    def pulled(self) -> list[int]:
        """Return the cursors of the pulls that are sent now."""
        pulls = [m for m in self.sent() if isinstance(m, PullReq)]
        return [pull.cursor or 0 for pull in pulls]

    def receive(self, text: str) -> list[tuple[Any, ...]]:
        return [summary(u) for u in self.client.receive_text(text, self.now)]

    def broadcast(self, *events: LoggedEvent) -> list[tuple[Any, ...]]:
        return self.receive(frame_of(events))

    def answer_pull(
        self, *events: LoggedEvent, remaining: int = 0
    ) -> list[tuple[Any, ...]]:
        text = frame_of(events, pull=self.pull_id, remaining=remaining)
        return self.receive(text)

    def ack(self, request_id: str | None = None) -> list[tuple[Any, ...]]:
        request_id = request_id or self.push_id
        return self.receive(encode_message(PushAck(request_id=request_id)))

    def refuse(self, request_id: str, message: str = "no") -> list[tuple[Any, ...]]:
        refusal = ErrorRes(request_id=request_id, message=message)
        return self.receive(encode_message(refusal))


def summary(update: Update) -> tuple[Any, ...]:
    title = json.loads(update.event.args_text or "")["title"]
    match update:
        case Received(event):
            return ("received", event.seq_num, title)
        case Confirmed(ticket, event):
            return ("confirmed", event.seq_num, title, ticket)


# Pull


def test_it_pulls_and_pings_as_soon_as_it_is_connected() -> None:
    driver = Driver()
    pull, ping = driver.open()
    assert isinstance(pull, PullReq)
    assert not pull.cursor
    assert ping == Ping()
    assert driver.client.data_to_send() == []


def test_a_chunked_pull_reaches_the_head_with_its_last_chunk() -> None:
    driver = Driver()
    driver.open()
    assert driver.answer_pull(logged("x", 1), remaining=1) == [("received", 1, "x")]
    assert not driver.client.synced
    assert driver.client.phase is Phase.PULLING
    assert driver.answer_pull(logged("y", 2)) == [("received", 2, "y")]
    assert driver.client.synced
    assert driver.client.phase is Phase.LIVE
    assert driver.client.head == 2


def test_a_client_with_a_past_pulls_from_there() -> None:
    driver = Driver(cursor=7)
    (pull, _) = driver.open()
    assert isinstance(pull, PullReq)
    assert pull.cursor == 7
    assert driver.answer_pull() == []
    assert driver.client.head == 7


def test_it_pulls_from_its_last_event_on_after_every_reconnect() -> None:
    driver = Driver()
    driver.go_live(logged("x", 1), logged("y", 2))
    driver.lose()
    assert driver.client.synced
    (pull, _) = driver.open()
    assert isinstance(pull, PullReq)
    assert pull.cursor == 1
    assert driver.answer_pull(logged("y", 2), logged("z", 3)) == [("received", 3, "z")]


def test_broadcasts_before_the_pull_answer_are_stashed() -> None:
    # Vector 15.
    driver = Driver()
    driver.open()
    assert driver.broadcast(logged("z", 3)) == []
    assert driver.broadcast(logged("y", 2)) == []
    assert driver.answer_pull(logged("w", 1), remaining=1) == [("received", 1, "w")]
    assert driver.answer_pull(logged("y", 2)) == [
        ("received", 2, "y"),
        ("received", 3, "z"),
    ]


def test_a_repeated_broadcast_is_ignored() -> None:
    # Vector 21: it stops the real client.
    driver = Driver()
    driver.go_live(logged("x", 1))
    assert driver.broadcast(logged("x", 1)) == []
    again = driver.broadcast(logged("x", 1), logged("y", 2))
    assert again == [("received", 2, "y")]


def test_an_empty_last_chunk_ends_a_pull() -> None:
    # Vector 22: it stops the real client.
    driver = Driver()
    driver.open()
    driver.answer_pull(logged("x", 1), remaining=1)
    assert driver.answer_pull() == []
    assert driver.client.phase is Phase.LIVE


def test_missing_events_are_pulled() -> None:
    driver = Driver()
    driver.go_live(logged("v", 1))
    assert driver.broadcast(logged("y", 4), logged("z", 5)) == []
    assert driver.pulled() == [1]
    assert driver.broadcast(logged("a", 6)) == []
    missing = [logged("w", 2), logged("x", 3), logged("y", 4)]
    assert driver.answer_pull(*missing) == [
        ("received", 2, "w"),
        ("received", 3, "x"),
        ("received", 4, "y"),
        ("received", 5, "z"),
        ("received", 6, "a"),
    ]


def test_a_gap_in_the_log_itself_is_taken_as_it_is() -> None:
    # The real server stores e20 after e10; whoever pulls gets just that.
    driver = Driver()
    driver.go_live(logged("x", 10), logged("y", 20))
    assert driver.client.head == 20
    assert driver.broadcast(logged("z", 30)) == []
    assert driver.pulled() == [20]
    # It broadcasts before it stores, so that the pull may not have it yet.
    assert driver.answer_pull() == [("received", 30, "z")]


def test_a_gap_that_shows_while_pulling_is_pulled_too() -> None:
    driver = Driver()
    driver.open()
    driver.broadcast(logged("z", 9))
    assert driver.answer_pull(logged("x", 1)) == [("received", 1, "x")]
    assert driver.client.phase is Phase.PULLING
    assert driver.pulled() == [1]
    assert driver.answer_pull(logged("z", 9)) == [("received", 9, "z")]
    assert driver.client.phase is Phase.LIVE


def test_what_a_lost_connection_stashed_is_forgotten() -> None:
    driver = Driver()
    driver.go_live()
    driver.broadcast(logged("y", 8))
    driver.broadcast(logged("z", 9))
    driver.lose()
    driver.open()
    assert driver.answer_pull(logged("x", 1)) == [("received", 1, "x")]
    assert driver.client.phase is Phase.LIVE


def test_the_answer_to_another_pull_is_ignored() -> None:
    driver = Driver()
    driver.open()
    stray = frame_of([logged("x", 1)], pull="stray")
    assert driver.receive(stray) == []
    assert driver.client.phase is Phase.PULLING
    driver.answer_pull()
    assert driver.receive(stray) == []
    assert driver.client.head == 0


def test_a_refused_pull_ends_the_connection() -> None:
    # Vector 23: it stops the real client for good.
    driver = Driver()
    driver.open()
    driver.refuse(driver.pull_id, "the log ends at e2")
    assert driver.client.close_reason == "the server refuses a pull: the log ends at e2"
    assert driver.client.last_error == "the log ends at e2"
    assert driver.client.data_to_send() == []
    driver.lose()
    driver.open()
    assert driver.client.close_reason is None


@pytest.mark.parametrize(
    ("vector", "conn"),
    [
        ("01-initial-pull-push-ack", "A"),
        ("02-broadcast-two-clients", "B"),
        ("03-push-conflict-rebase", "B"),
        ("05-pull-chunking-330", "B"),
        ("06-large-push-batches", "A"),
        ("15-initial-pull-races-with-push", "B"),
        ("18-ack-lost-broadcast-received", "A"),
        ("21-duplicate-broadcast", "A"),
        ("22-pull-ends-with-empty-chunk", "A"),
    ],
)
def test_what_the_real_server_sent_brings_the_log(vector: str, conn: str) -> None:
    driver = Driver()
    driver.open()
    lines = (VECTORS / f"{vector}.jsonl").read_text().splitlines()
    expected: set[int] = set()
    seen: list[int] = []
    for record in map(json.loads, lines):
        if record.get("dir") != "s2c" or record["conn"] != conn:
            continue
        if record.get("dropped"):
            continue
        message = decode_message(record.get("rewrittenTo", record["text"]))
        if not isinstance(message, PullRes):
            continue
        expected.update(stored.event.seq_num for stored in message.batch)
        events = [stored.event for stored in message.batch]
        pull = driver.pull_id if message.context == "pull" else None
        frame = frame_of(events, pull=pull, remaining=message.remaining)
        updates = driver.client.receive_text(frame, driver.now)
        seen += [update.event.seq_num for update in updates]
    assert len(expected) > 1
    assert seen == sorted(expected)
    assert driver.client.phase is Phase.LIVE


# Push


def test_nothing_is_pushed_before_the_head_is_reached() -> None:
    driver = Driver()
    assert driver.client.commit(own("a")) == [1]
    assert [type(m) for m in driver.open()] == [PullReq, Ping]
    driver.answer_pull(logged("x", 1))
    assert driver.pushed() == [(2, "a")]


def test_an_ack_confirms_and_the_echo_is_recognised() -> None:
    driver = Driver()
    driver.go_live()
    (ticket,) = driver.client.commit(own("a"))
    assert not driver.client.is_confirmed(ticket)
    assert driver.pushed() == [(1, "a")]
    assert driver.ack() == [("confirmed", 1, "a", ticket)]
    assert driver.client.is_confirmed(ticket)
    assert driver.broadcast(logged("a", 1, "own")) == []


def test_an_echo_confirms_when_the_ack_is_lost() -> None:
    # Vector 18.
    driver = Driver()
    driver.go_live()
    (ticket,) = driver.client.commit(own("a"))
    driver.sent()
    echo = driver.broadcast(logged("a", 1, "own"))
    assert echo == [("confirmed", 1, "a", ticket)]
    assert driver.ack() == []
    assert driver.client.pending_count == 0


def test_an_ack_confirms_what_half_an_echo_left() -> None:
    driver = Driver()
    driver.go_live()
    driver.client.commit(own("a"), own("b"))
    driver.sent()
    driver.broadcast(logged("a", 1, "own"))
    assert driver.ack() == [("confirmed", 2, "b", 2)]


def test_one_push_is_in_flight() -> None:
    driver = Driver()
    driver.go_live()
    driver.client.commit(*(own(str(n)) for n in range(60)))
    assert [number for number, _ in driver.pushed()] == list(range(1, 51))
    driver.client.commit(own("late"))
    assert driver.client.data_to_send() == []
    driver.ack()
    assert driver.pushed()[-1] == (61, "late")
    assert driver.client.pending_count == 11


def test_an_event_beyond_the_limit_is_refused_at_once() -> None:
    driver = Driver()
    with pytest.raises(EventTooLargeError):
        driver.client.commit(own("small"), own("x" * 900_000))
    assert driver.client.pending_count == 0


def test_foreign_events_go_first() -> None:
    driver = Driver()
    driver.go_live()
    driver.client.commit(own("a"), own("b"))
    assert driver.broadcast(logged("x", 1)) == [("received", 1, "x")]
    assert driver.pushed() == [(2, "a"), (3, "b")]


def test_a_push_that_was_outrun_is_repeated_when_it_is_refused() -> None:
    driver = Driver()
    driver.go_live()
    driver.client.commit(own("a"))
    assert driver.pushed() == [(1, "a")]
    driver.broadcast(logged("x", 1))
    assert driver.sent() == []
    driver.refuse(driver.push_id, "Invalid parent event number.")
    assert driver.pushed() == [(2, "a")]


def test_a_refused_push_is_followed_by_a_pull() -> None:
    # Vectors 03 and 09: the real client waits for a broadcast instead.
    driver = Driver()
    driver.go_live()
    driver.client.commit(own("a"))
    driver.sent()
    driver.refuse(driver.push_id)
    assert driver.pulled() == [0]
    driver.broadcast(logged("x", 1), logged("y", 2))  # our server heals
    pulled = driver.answer_pull(logged("x", 1), logged("y", 2))
    assert pulled == [("received", 1, "x"), ("received", 2, "y")]
    assert driver.pushed() == [(3, "a")]


def test_a_push_that_is_refused_for_no_visible_reason_is_not_insisted_on() -> None:
    driver = Driver(Limits(reconnect_delay_s=0.1, max_reconnect_delay_s=0.3))
    driver.go_live()
    driver.client.commit(own("a"))
    for delay in (0.1, 0.2, 0.3, 0.3):
        assert driver.pushed() == [(1, "a")]
        driver.refuse(driver.push_id, "the disk is full")
        assert driver.client.last_error == "the disk is full"
        assert driver.pulled() == [0]
        driver.answer_pull()
        assert driver.client.next_deadline() == pytest.approx(driver.now + delay)
        driver.client.handle_timeout(driver.now)
        assert driver.client.data_to_send() == []
        driver.now = driver.client.next_deadline()
        driver.client.handle_timeout(driver.now)
    assert driver.pushed() == [(1, "a")]
    driver.ack()
    driver.client.commit(own("b"))
    assert driver.pushed() == [(2, "b")]
    driver.refuse(driver.push_id)
    driver.sent()
    driver.answer_pull()
    assert driver.client.next_deadline() == pytest.approx(driver.now + 0.1)


def test_unconfirmed_pushes_are_repeated_after_a_reconnect() -> None:
    # Vector 17: lost with the connection.
    driver = Driver()
    driver.go_live()
    driver.client.commit(own("a"))
    driver.sent()
    driver.lose()
    driver.open()
    driver.answer_pull(logged("x", 1))
    assert driver.pushed() == [(2, "a")]


def test_a_push_that_was_stored_before_the_connection_was_lost_is_not_repeated() -> (
    None
):
    driver = Driver()
    driver.go_live()
    first, second, third = driver.client.commit(own("a"), own("b"), own("c"))
    driver.sent()
    driver.lose()
    driver.open()
    stored = [logged("a", 1, "own"), logged("b", 2, "own"), logged("x", 3)]
    assert driver.answer_pull(*stored) == [
        ("confirmed", 1, "a", first),
        ("confirmed", 2, "b", second),
        ("received", 3, "x"),
    ]
    assert driver.client.is_confirmed(second)
    assert not driver.client.is_confirmed(third)
    assert driver.pushed() == [(4, "c")]


def test_an_ack_for_a_place_that_a_foreign_event_took_is_not_believed() -> None:
    driver = Driver()
    driver.go_live()
    (ticket,) = driver.client.commit(own("a"))
    driver.sent()
    driver.broadcast(logged("x", 1))
    assert driver.ack() == []
    assert not driver.client.is_confirmed(ticket)
    assert driver.pulled() == [1]
    driver.answer_pull()
    assert driver.pushed() == [(2, "a")]


def test_an_ack_may_come_while_missing_events_are_pulled() -> None:
    driver = Driver()
    driver.go_live()
    driver.client.commit(own("a"))
    driver.sent()
    driver.broadcast(logged("x", 2))
    assert driver.pulled() == [0]
    assert driver.ack() == [("confirmed", 1, "a", 1)]
    assert driver.answer_pull(logged("a", 1, "own"), logged("x", 2)) == [
        ("received", 2, "x")
    ]


def test_answers_that_belong_to_nothing_are_ignored() -> None:
    driver = Driver()
    driver.go_live()
    driver.client.commit(own("a"))
    assert driver.ack("stray") == []
    driver.sent()
    assert driver.ack("stray") == []
    assert driver.refuse("stray", "what?") == []
    assert driver.client.last_error == "what?"
    assert driver.client.pending_count == 1
    assert driver.ack() == [("confirmed", 1, "a", 1)]
    assert driver.refuse(driver.push_id) == []


# Ping, loss, reconnect


def test_it_pings_25_seconds_after_each_pong() -> None:
    driver = Driver()
    driver.go_live()
    for _ in range(3):
        assert driver.client.next_deadline() == driver.now + 25
        driver.now += 24
        driver.client.handle_timeout(driver.now)
        assert driver.sent() == []
        driver.now += 1
        driver.client.handle_timeout(driver.now)
        assert driver.sent() == [Ping()]
        driver.receive(PONG)


def test_a_missing_pong_ends_the_connection() -> None:
    # Vector 14.
    driver = Driver()
    driver.open()
    driver.now += 19
    driver.answer_pull()
    driver.now = driver.client.next_deadline()
    assert driver.client.close_reason is None
    driver.client.handle_timeout(driver.now)
    assert driver.client.close_reason == "the server does not answer a Ping"


@pytest.mark.parametrize("request_kind", ["pull", "push"])
def test_a_server_that_only_answers_pings_is_given_up(request_kind: str) -> None:
    driver = Driver()
    driver.open()
    if request_kind == "push":
        driver.answer_pull()
        driver.client.commit(own("a"))
        driver.sent()
    for _ in range(2):
        driver.receive(PONG)
    assert driver.client.close_reason is None
    driver.receive(PONG)
    assert driver.client.close_reason == "the server answers a Ping but no request"


def test_progress_of_a_pull_counts_as_an_answer() -> None:
    driver = Driver()
    driver.open()
    for number in range(1, 6):
        driver.receive(PONG)
        driver.answer_pull(logged("x", number), remaining=9)
    assert driver.client.close_reason is None


def test_a_ping_is_answered() -> None:
    driver = Driver()
    driver.go_live()
    assert driver.receive(PING) == []
    assert driver.sent() == [Pong()]


def test_reconnects_are_ever_slower_until_a_pull_succeeds() -> None:
    driver = Driver(Limits(reconnect_delay_s=0.1, max_reconnect_delay_s=0.5))
    assert driver.client.next_deadline() <= driver.now
    for delay in (0.1, 0.2, 0.4, 0.5, 0.5):
        driver.client.connection_lost(driver.now, jitter=1.0)
        assert driver.client.next_deadline() == pytest.approx(driver.now + delay)
        driver.client.handle_timeout(driver.now)
    # A server that accepts and hangs up is no success.
    driver.open()
    driver.client.connection_lost(driver.now, jitter=0.0)
    assert driver.client.next_deadline() == pytest.approx(driver.now + 0.25)
    driver.go_live()
    driver.lose()
    assert driver.client.next_deadline() == pytest.approx(driver.now + 0.1)


def test_endless_failures_do_not_overflow() -> None:
    driver = Driver()
    for _ in range(2000):
        driver.client.connection_lost(driver.now, jitter=0.0)
    assert driver.client.next_deadline() == pytest.approx(driver.now + 2.5)


# Misuse and nonsense


def test_the_owner_is_told_what_it_does_wrong() -> None:
    client = SyncClient(client_id="c", session_id="s")
    with pytest.raises(UsageError, match="without a connection"):
        client.receive_text(PONG, 0.0)
    client.connection_opened(0.0)
    with pytest.raises(UsageError, match="was opened, but the state was: connected"):
        client.connection_opened(0.0)


@pytest.mark.parametrize(
    "frame",
    [
        "junk",
        '{"_tag":"WSMessage.Hello"}',
        encode_message(PullReq(request_id="x")),
        encode_message(PushReq(request_id="x", batch=())),
    ],
)
def test_an_unreadable_frame_is_reported_and_harms_nothing(frame: str) -> None:
    driver = Driver()
    driver.go_live(logged("x", 1))
    with pytest.raises(WireError):
        driver.receive(frame)
    driver.sent()
    driver.answer_pull()
    assert driver.broadcast(logged("y", 2)) == [("received", 2, "y")]


def test_after_a_frame_that_may_have_held_events_it_pulls() -> None:
    driver = Driver()
    driver.go_live(logged("x", 1))
    with pytest.raises(WireError):
        driver.receive('{"_tag":"WSMessage.PullRes","batch":[{}]}')
    assert driver.pulled() == [1]
    with pytest.raises(WireError):
        driver.receive("junk")
    assert driver.pulled() == []
