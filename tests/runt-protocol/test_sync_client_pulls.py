"""How a sync client brings the events of the log into their order."""

import json

import pytest
from protocol_rig import VECTORS, ClientDriver, frame_of, logged

from runt_protocol import Phase
from runt_protocol._messages import Ping, PullReq, PullRes
from runt_protocol._wire_v03 import decode_message


def test_it_pulls_and_pings_as_soon_as_it_is_connected() -> None:
    driver = ClientDriver()
    pull, ping = driver.open()
    assert isinstance(pull, PullReq)
    assert not pull.cursor
    assert ping == Ping()
    assert driver.client.data_to_send() == []


def test_a_chunked_pull_reaches_the_head_with_its_last_chunk() -> None:
    driver = ClientDriver()
    driver.open()
    assert driver.answer_pull(logged("x", 1), remaining=1) == [("received", 1, "x")]
    assert not driver.client.synced
    assert driver.client.phase is Phase.PULLING
    assert driver.answer_pull(logged("y", 2)) == [("received", 2, "y")]
    assert driver.client.synced
    assert driver.client.phase is Phase.LIVE
    assert driver.client.head == 2


def test_a_client_with_a_past_pulls_from_there() -> None:
    driver = ClientDriver(cursor=7)
    (pull, _) = driver.open()
    assert isinstance(pull, PullReq)
    assert pull.cursor == 7
    assert driver.answer_pull() == []
    assert driver.client.head == 7


def test_it_pulls_from_its_last_event_on_after_every_reconnect() -> None:
    driver = ClientDriver()
    driver.go_live(logged("x", 1), logged("y", 2))
    driver.lose()
    assert driver.client.synced
    (pull, _) = driver.open()
    assert isinstance(pull, PullReq)
    assert pull.cursor == 1
    assert driver.answer_pull(logged("y", 2), logged("z", 3)) == [("received", 3, "z")]


def test_broadcasts_before_the_pull_answer_are_stashed() -> None:
    # Vector 15.
    driver = ClientDriver()
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
    driver = ClientDriver()
    driver.go_live(logged("x", 1))
    assert driver.broadcast(logged("x", 1)) == []
    again = driver.broadcast(logged("x", 1), logged("y", 2))
    assert again == [("received", 2, "y")]


def test_an_empty_last_chunk_ends_a_pull() -> None:
    # Vector 22: it stops the real client.
    driver = ClientDriver()
    driver.open()
    driver.answer_pull(logged("x", 1), remaining=1)
    assert driver.answer_pull() == []
    assert driver.client.phase is Phase.LIVE


def test_missing_events_are_pulled() -> None:
    driver = ClientDriver()
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
    driver = ClientDriver()
    driver.go_live(logged("x", 10), logged("y", 20))
    assert driver.client.head == 20
    assert driver.broadcast(logged("z", 30)) == []
    assert driver.pulled() == [20]
    # It broadcasts before it stores, so that the pull may not have it yet.
    assert driver.answer_pull() == [("received", 30, "z")]


def test_a_gap_that_shows_while_pulling_is_pulled_too() -> None:
    driver = ClientDriver()
    driver.open()
    driver.broadcast(logged("z", 9))
    assert driver.answer_pull(logged("x", 1)) == [("received", 1, "x")]
    assert driver.client.phase is Phase.PULLING
    assert driver.pulled() == [1]
    assert driver.answer_pull(logged("z", 9)) == [("received", 9, "z")]
    assert driver.client.phase is Phase.LIVE


def test_what_a_lost_connection_stashed_is_forgotten() -> None:
    driver = ClientDriver()
    driver.go_live()
    driver.broadcast(logged("y", 8))
    driver.broadcast(logged("z", 9))
    driver.lose()
    driver.open()
    assert driver.answer_pull(logged("x", 1)) == [("received", 1, "x")]
    assert driver.client.phase is Phase.LIVE


def test_the_answer_to_another_pull_is_ignored() -> None:
    driver = ClientDriver()
    driver.open()
    stray = frame_of([logged("x", 1)], pull="stray")
    assert driver.receive(stray) == []
    assert driver.client.phase is Phase.PULLING
    driver.answer_pull()
    assert driver.receive(stray) == []
    assert driver.client.head == 0


def test_a_refused_pull_ends_the_connection() -> None:
    # Vector 23: it stops the real client for good.
    driver = ClientDriver()
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
    driver = ClientDriver()
    driver.open()
    lines = (VECTORS / "ws" / f"{vector}.jsonl").read_text().splitlines()
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
