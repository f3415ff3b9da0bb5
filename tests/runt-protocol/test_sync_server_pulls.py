"""What a sync room answers to pulls."""

import pytest
from protocol_rig import Edge, error, pull, stored

from runt_protocol import (
    Limits,
    Read,
)


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
