"""What LiveStore's client needs, which does not ask again by itself."""

from msgspec.structs import replace
from protocol_rig import (
    ACK,
    ODD_PING,
    Edge,
    error,
    event,
    other_push,
    pull,
    push,
    push_of,
    stored,
)


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
    edge.exchange("silent", ODD_PING)
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
