import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_protocol import EncodedEvent, EventTooLargeError, Limits, LoggedEvent
from runt_protocol._messages import PushReq
from runt_protocol._pending import PendingEvents
from runt_protocol._wire_events import MAX_NUMBER
from runt_protocol._wire_v03 import encode_message

LIMITS = Limits()


def encoded(name: str = "v1.Debug", args: str | None = '{"id":"x"}') -> EncodedEvent:
    return EncodedEvent(name=name, args_text=args)


def queue(*events: EncodedEvent, limits: Limits = LIMITS) -> PendingEvents:
    pending = PendingEvents("client", "session", limits)
    pending.add(events)
    return pending


def logged(event: EncodedEvent, number: int, **changes: object) -> LoggedEvent:
    fields: dict[str, object] = {
        "name": event.name,
        "args_text": event.args_text,
        "seq_num": number,
        "parent_seq_num": number - 1,
        "client_id": "client",
        "session_id": "session",
    }
    return LoggedEvent(**{**fields, **changes})  # type: ignore[arg-type] # by name


def test_the_first_event_always_follows_the_head() -> None:
    pending = queue(encoded(args="1"), encoded(args="2"))
    assert [e.seq_num for e in pending.next_batch(0)] == [1, 2]
    # A rebase: foreign events have moved the head.
    batch = pending.next_batch(7)
    assert batch == (logged(encoded(args="1"), 8), logged(encoded(args="2"), 9))


def test_tickets_are_confirmed_in_order() -> None:
    pending = PendingEvents("client", "session", LIMITS)
    assert pending.add([encoded(args="1"), encoded(args="2")]) == [1, 2]
    assert pending.confirm_first(4) == (1, logged(encoded(args="1"), 5))
    assert pending.add([encoded(args="3")]) == [3]
    confirmed = [pending.is_confirmed(ticket) for ticket in (1, 2, 3, 4)]
    assert confirmed == [True, False, False, False]
    assert len(pending) == 2


@pytest.mark.parametrize(
    ("changes", "is_own"),
    [
        ({}, True),
        ({"name": "v1.Other"}, False),
        ({"client_id": "other"}, False),
        ({"session_id": "other"}, False),
        ({"seq_num": 6}, False),
        ({"args_text": '{"b":1,"a":2}'}, True),
        ({"args_text": '{"a":2}'}, False),
    ],
)
def test_an_echo_is_recognised(changes: dict[str, object], *, is_own: bool) -> None:
    own = encoded(args='{"a":2.0,"b":1}')
    assert queue(own).is_first(logged(own, 5, **changes), 4) is is_own


@pytest.mark.parametrize("echoed", [None, "null"])
def test_null_echoes_absent_args(echoed: str | None) -> None:
    own = encoded("v1.AllExecutionsCancelled", None)
    assert queue(own).is_first(logged(own, 1, args_text=echoed), 0)
    assert not queue(own).is_first(logged(own, 1, args_text="{}"), 0)


def test_nothing_is_the_echo_of_an_empty_queue() -> None:
    assert not queue().is_first(logged(encoded(), 1), 0)


def test_a_batch_has_50_events() -> None:
    pending = queue(*[encoded()] * 120)
    assert len(pending.next_batch(0)) == 50


@pytest.mark.parametrize(
    "name",
    [
        "v1.AllOutputsCleared",
        "v1.CellOutputsCleared",
        "v1.MarkdownOutputAppended",
        "v1.MultimediaDisplayOutputAdded",
        "v1.MultimediaDisplayOutputUpdated",
        "v1.TerminalOutputAppended",
    ],
)
def test_batches_around_clears_are_small(name: str) -> None:
    # A receiving store outside production mode shuts down at 50 (protocol.md §2).
    assert len(queue(encoded(name), *[encoded()] * 60).next_batch(0)) == 20
    assert len(queue(*[encoded()] * 10, encoded(name)).next_batch(0)) == 11
    assert len(queue(*[encoded()] * 30, encoded(name)).next_batch(0)) == 30


def widest_frame(batch: tuple[LoggedEvent, ...]) -> bytes:
    request_id = f"session:{MAX_NUMBER}"
    return encode_message(PushReq(request_id=request_id, batch=batch)).encode()


@given(st.lists(st.text(max_size=200), min_size=1, max_size=60), st.integers(0, 2**40))
def test_a_push_stays_below_the_limit_and_leaves_nothing_out(
    texts: list[str], head: int
) -> None:
    limits = Limits(max_push_bytes=2000)
    pending = queue(*(encoded(args=json.dumps(t)) for t in texts), limits=limits)
    seen: list[str | None] = []
    while pending:
        batch = pending.next_batch(head)
        assert batch
        assert len(widest_frame(batch)) < limits.max_push_bytes
        for event in batch:
            _, confirmed = pending.confirm_first(head)
            assert confirmed == event
            head = event.seq_num
            seen.append(event.args_text)
    assert seen == [json.dumps(text) for text in texts]


def test_an_event_beyond_the_limit_is_refused_and_none_of_its_commit_is_kept() -> None:
    pending = queue()
    large = encoded(args=f'"{"é" * 450_000}"')
    with pytest.raises(
        EventTooLargeError, match=r"v1\.Debug has 900,1.. bytes"
    ) as info:
        pending.add([encoded(), large])
    assert len(pending) == 0
    assert pending.add([encoded()]) == [1]
    spare = info.value.size - info.value.max_size
    fits = encoded(args=f'"{"x" * (900_000 - spare)}"')
    pending.add([fits])
    with pytest.raises(EventTooLargeError):
        pending.add([encoded(args=f'"{"x" * (900_001 - spare)}"')])
    pending.confirm_first(0)
    assert len(widest_frame(pending.next_batch(MAX_NUMBER - 1))) < 900_000
