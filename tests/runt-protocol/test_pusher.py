"""When a sync client pushes its events, and what it makes of the answers."""

import pytest
from protocol_rig import ClientDriver, logged, own

from runt_protocol import EventTooLargeError, Limits
from runt_protocol._messages import Ping, PullReq


def test_nothing_is_pushed_before_the_head_is_reached() -> None:
    driver = ClientDriver()
    assert driver.client.commit(own("a")) == [1]
    assert [type(m) for m in driver.open()] == [PullReq, Ping]
    driver.answer_pull(logged("x", 1))
    assert driver.pushed() == [(2, "a")]


def test_an_ack_confirms_and_the_echo_is_recognised() -> None:
    driver = ClientDriver()
    driver.go_live()
    (ticket,) = driver.client.commit(own("a"))
    assert not driver.client.is_confirmed(ticket)
    assert driver.pushed() == [(1, "a")]
    assert driver.ack() == [("confirmed", 1, "a", ticket)]
    assert driver.client.is_confirmed(ticket)
    assert driver.broadcast(logged("a", 1, "own")) == []


def test_an_echo_confirms_when_the_ack_is_lost() -> None:
    # Vector 18.
    driver = ClientDriver()
    driver.go_live()
    (ticket,) = driver.client.commit(own("a"))
    driver.sent()
    echo = driver.broadcast(logged("a", 1, "own"))
    assert echo == [("confirmed", 1, "a", ticket)]
    assert driver.ack() == []
    assert driver.client.pending_count == 0


def test_an_ack_confirms_what_half_an_echo_left() -> None:
    driver = ClientDriver()
    driver.go_live()
    driver.client.commit(own("a"), own("b"))
    driver.sent()
    driver.broadcast(logged("a", 1, "own"))
    assert driver.ack() == [("confirmed", 2, "b", 2)]


def test_one_push_is_in_flight() -> None:
    driver = ClientDriver()
    driver.go_live()
    driver.client.commit(*(own(str(n)) for n in range(60)))
    assert [number for number, _ in driver.pushed()] == list(range(1, 51))
    driver.client.commit(own("late"))
    assert driver.client.data_to_send() == []
    driver.ack()
    assert driver.pushed()[-1] == (61, "late")
    assert driver.client.pending_count == 11


def test_an_event_beyond_the_limit_is_refused_at_once() -> None:
    driver = ClientDriver()
    with pytest.raises(EventTooLargeError):
        driver.client.commit(own("small"), own("x" * 900_000))
    assert driver.client.pending_count == 0


def test_foreign_events_go_first() -> None:
    driver = ClientDriver()
    driver.go_live()
    driver.client.commit(own("a"), own("b"))
    assert driver.broadcast(logged("x", 1)) == [("received", 1, "x")]
    assert driver.pushed() == [(2, "a"), (3, "b")]


def test_a_push_that_was_outrun_is_repeated_when_it_is_refused() -> None:
    driver = ClientDriver()
    driver.go_live()
    driver.client.commit(own("a"))
    assert driver.pushed() == [(1, "a")]
    driver.broadcast(logged("x", 1))
    assert driver.sent() == []
    driver.refuse(driver.push_id, "Invalid parent event number.")
    assert driver.pushed() == [(2, "a")]


def test_a_refused_push_is_followed_by_a_pull() -> None:
    # Vectors 03 and 09: the real client waits for a broadcast instead.
    driver = ClientDriver()
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
    driver = ClientDriver(Limits(reconnect_delay_s=0.1, max_reconnect_delay_s=0.3))
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
    driver = ClientDriver()
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
    driver = ClientDriver()
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
    driver = ClientDriver()
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
    driver = ClientDriver()
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
    driver = ClientDriver()
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
