"""What a sync client does differently where events come as a stream."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import runt_protocol._messages as msg
from runt_protocol import (
    EncodedEvent,
    LoggedEvent,
    Received,
    StoredEvent,
    SyncClient,
    UsageError,
    WireV04,
)

WIRE = WireV04("store")
NOW = 100.0
VECTORS = Path(__file__).parent / "vectors" / "ws-v04"


def logged(number: int) -> LoggedEvent:
    return LoggedEvent(
        name="v1.NotebookTitleChanged",
        args_text=f'{{"title":"{number}"}}',
        seq_num=number,
        parent_seq_num=number - 1,
        client_id="foreign",
        session_id="session",
    )


def own() -> EncodedEvent:
    return EncodedEvent(name="v1.NotebookTitleChanged", args_text='{"title":"own"}')


class Driver:
    """A client with the answers that a test gives it."""

    def __init__(self) -> None:
        self.client = SyncClient(client_id="own", session_id="s", wire=WIRE)
        self.client.connection_opened(NOW)
        self.pull, ping = self.sent()
        assert ping == msg.Ping()

    def sent(self) -> list[Any]:
        return [WIRE.decode(frame) for frame in self.client.data_to_send()]

    def receive(self, message: msg.Message) -> list[int]:
        frame = WIRE.encode(message)
        assert frame is not None
        updates = self.client.receive_text(frame, NOW)
        return [update.event.seq_num for update in updates]

    def chunk(
        self, *numbers: int, remaining: int = 0, pull: msg.PullReq | None = None
    ) -> list[int]:
        return self.receive(
            msg.PullRes(
                batch=tuple(
                    StoredEvent(event=logged(number), created_at=None)
                    for number in numbers
                ),
                context="pull",
                request_id=(pull or self.pull).request_id,
                remaining=remaining,
                backend_id="log",
            )
        )


def acks(messages: Sequence[msg.Message]) -> int:
    return sum(isinstance(message, msg.PullAck) for message in messages)


def test_every_chunk_is_acknowledged_and_the_stream_goes_on() -> None:
    driver = Driver()
    assert driver.chunk(1, 2, remaining=1) == [1, 2]
    assert driver.sent() == [msg.PullAck(request_id=driver.pull.request_id)]
    assert driver.chunk(3) == [3]
    assert driver.client.synced
    assert driver.chunk(4, 5) == [4, 5]
    assert acks(driver.sent()) == 2
    assert driver.client.close_reason is None


def test_the_log_is_named_in_what_follows() -> None:
    driver = Driver()
    assert driver.pull.backend_id is None
    driver.chunk(1)
    driver.client.commit(own())
    push = driver.sent()[-1]
    assert isinstance(push, msg.PushReq)
    assert (push.backend_id, push.request_id) == ("log", "2")
    driver.client.connection_lost(NOW, jitter=1.0)
    driver.client.connection_opened(NOW)
    pull = driver.sent()[0]
    assert (pull.backend_id, pull.cursor) == ("log", 0)


def test_a_broadcast_that_overtakes_a_pull_waits_for_it() -> None:
    driver = Driver()
    driver.chunk(1, 2, remaining=3)
    assert driver.chunk(6) == []
    assert not driver.client.synced
    assert driver.chunk(3, 4, 5) == [3, 4, 5, 6]
    assert driver.client.synced


def test_one_that_overtakes_the_first_answer_is_pulled_again() -> None:
    driver = Driver()
    assert driver.chunk(3) == []
    _, stop, pull = driver.sent()
    assert stop == msg.StopPull(request_id=driver.pull.request_id)
    assert isinstance(pull, msg.PullReq)
    assert driver.chunk(1, 2) == []  # the answer of the pull that was given up
    assert driver.chunk(1, 2, 3, pull=pull) == [1, 2, 3]
    assert driver.client.synced


def test_a_gap_in_the_log_is_believed_when_it_comes_back() -> None:
    driver = Driver()
    assert driver.chunk(3) == []
    pull = driver.sent()[-1]
    assert driver.chunk(3, pull=pull) == [3]
    assert driver.client.synced


def test_a_broadcast_as_long_as_what_is_to_come_is_not_taken_for_it() -> None:
    driver = Driver()
    driver.chunk(1, remaining=1)
    assert driver.chunk(3) == []
    pull = driver.sent()[-1]
    assert (pull.cursor, driver.client.synced) == (1, False)
    assert driver.chunk(2, 3, pull=pull) == [2, 3]
    assert driver.client.synced


def test_a_gap_between_chunks_is_believed_when_it_comes_back() -> None:
    driver = Driver()
    driver.chunk(1, remaining=2)
    assert driver.chunk(3, 4) == []
    pull = driver.sent()[-1]
    assert driver.chunk(3, 4, pull=pull) == [3, 4]
    assert driver.client.synced


def test_a_stream_that_fails_later_is_begun_again() -> None:
    driver = Driver()
    driver.chunk(1)
    driver.receive(msg.ErrorRes(request_id=driver.pull.request_id, message="why"))
    assert driver.client.close_reason == "the server refuses a pull: why"


def test_a_gap_in_the_stream_is_pulled() -> None:
    driver = Driver()
    driver.chunk(1)
    driver.sent()
    assert driver.chunk(3) == []
    _, stop, pull = driver.sent()
    assert isinstance(stop, msg.StopPull)
    assert pull.cursor == 1
    assert driver.chunk(2, 3, pull=pull) == [2, 3]


def test_a_recorded_broadcast_overtakes_a_recorded_pull() -> None:
    probes = map(json.loads, (VECTORS / "raw-probes.jsonl").read_text().splitlines())
    steps = next(probe["steps"] for probe in probes if probe["name"] == "no-acks")
    answers = [reply for step in steps for reply in step["replies"]]
    driver = Driver()
    assert driver.pull.request_id == "1"
    numbers = [
        update.event.seq_num
        for answer in answers
        if '"Chunk"' in answer
        for update in driver.client.receive_text(answer, NOW)
        if isinstance(update, Received)
    ]
    assert numbers == list(range(1, 122))
    assert driver.client.synced


def test_a_refused_push_is_made_again_behind_what_is_new() -> None:
    driver = Driver()
    driver.chunk(1)
    driver.client.commit(own())
    push = driver.sent()[-1]
    ahead = msg.ServerAhead(head=2, parent=1)
    driver.receive(
        msg.ErrorRes(request_id=push.request_id, message=str(ahead), cause=ahead)
    )
    assert driver.client.last_error == str(ahead)
    pull = driver.sent()[-1]
    assert isinstance(pull, msg.PullReq)
    driver.chunk(2, pull=pull)
    again = driver.sent()[-1]
    assert [event.seq_num for event in again.batch] == [3]


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (msg.PullEnd(request_id="1"), "ends its stream"),
        (msg.Failure(message="boom"), "boom"),
    ],
)
def test_a_connection_without_a_stream_is_closed(
    message: msg.Message, complaint: str
) -> None:
    driver = Driver()
    driver.receive(message)
    assert complaint in (driver.client.close_reason or "")


def test_the_end_of_an_old_pull_means_nothing() -> None:
    driver = Driver()
    driver.chunk(3)
    driver.sent()
    driver.receive(msg.PullEnd(request_id="1", stopped=True))
    assert driver.client.close_reason is None


def test_a_push_that_was_broken_off_is_asked_for() -> None:
    driver = Driver()
    driver.chunk(1)
    driver.client.commit(own())
    push = driver.sent()[-1]
    driver.receive(msg.PullEnd(request_id=push.request_id, stopped=True))
    assert isinstance(driver.sent()[-1], msg.PullReq)


def test_the_wire_is_exchanged_between_connections_only() -> None:
    client = SyncClient(client_id="own", session_id="s")
    client.use_wire(WIRE)
    client.connection_opened(NOW)
    assert isinstance(WIRE.decode(client.data_to_send()[0]), msg.PullReq)
    with pytest.raises(UsageError, match="wire"):
        client.use_wire(WIRE)
