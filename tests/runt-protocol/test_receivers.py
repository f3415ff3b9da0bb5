"""LiveStore 0.3 clients that have connected anew; see `property/test_receivers.py`."""

import json
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from runt_protocol import (
    Append,
    Forget,
    KnownClient,
    Limits,
    LoggedEvent,
    NotebookState,
    Read,
    Remember,
    Send,
    StoredEvent,
    SyncRoom,
    decode_event,
)
from runt_protocol._messages import Ping, PullReq, PushReq
from runt_protocol._room_effects import Effect
from runt_protocol._wire_v03 import encode_message

NOW = "2026-11-23T08:00:00.000Z"


def address(name: str) -> str:
    """A request id as LiveStore makes them."""
    return name.ljust(21, "_")


def event(number: int, client_id: str = "somebody") -> LoggedEvent:
    return LoggedEvent(
        name="v1.Debug",
        args_text=f'{{"id":"{number}"}}',
        seq_num=number,
        parent_seq_num=number - 1,
        client_id=client_id,
        session_id=client_id,
    )


class Edge:
    """Does what a room says; every socket answers its probes, unless it is `mute`."""

    def __init__(
        self,
        head: int,
        known: Iterable[KnownClient] = (),
        limits: Limits | None = None,
    ) -> None:
        self.log = [
            StoredEvent(event=event(number), created_at=NOW)
            for number in range(1, head + 1)
        ]
        self.room = SyncRoom(head, known=known, limits=limits)
        self.mute: set[object] = set()
        self.sent: list[tuple[object, Any]] = []
        self.known: dict[str, KnownClient] = {}
        self.probes: deque[tuple[object, int]] = deque()

    def connect(self, conn_id: str) -> None:
        self.room.connect(conn_id)

    def disconnect(self, conn_id: str, *, answer_is_due: bool = False) -> None:
        self.perform(self.room.disconnect(conn_id, answer_is_due=answer_is_due))

    def ping(self, conn_id: str) -> None:
        self.receive(conn_id, Ping())

    def pull(self, conn_id: str, pull_id: str, cursor: int = 0) -> None:
        self.receive(conn_id, PullReq(request_id=pull_id, cursor=cursor))

    def push(self, conn_id: str, number: int, client_id: str) -> None:
        batch = (event(number, client_id),)
        self.receive(conn_id, PushReq(request_id=f"push-{number}", batch=batch))

    def receive(self, conn_id: str, message: Any) -> None:
        text = encode_message(message)
        self.perform(self.room.receive(conn_id, text, created_at=NOW))
        while self.probes:
            self.perform(self.room.delivered(*self.probes.popleft()))

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(conn_id, text, probe):
                    self.sent.append((conn_id, json.loads(text)))
                    if probe is not None and conn_id not in self.mute:
                        self.probes.append((conn_id, probe))
                case Append(events):
                    self.log.extend(events)
                    self.perform(self.room.appended())
                case Read(conn_id, after, up_to):
                    rows = self.log[after:up_to]
                    self.perform(self.room.read_chunk(conn_id, rows))
                case Remember(client):
                    self.known[client.pull_id] = client
                case Forget(pull_id):
                    self.known.pop(pull_id, None)
                case _:
                    raise AssertionError(effect)

    def taken(self, conn_id: str) -> list[tuple[str, str, list[int]]]:
        """Return what was sent to a socket, as tag, id and numbers, but for Pongs."""
        sent = [
            _summary(message)
            for receiver, message in self.sent
            if receiver == conn_id and message["_tag"] != "WSMessage.Pong"
        ]
        self.sent.clear()
        return sent


def _summary(message: Any) -> tuple[str, str, list[int]]:
    request_id: Any = message["requestId"]
    if "batch" in message:
        numbers = [item["eventEncoded"]["seqNum"] for item in message["batch"]]
        return request_id["context"], request_id["requestId"], numbers
    return str(message["_tag"]).removeprefix("WSMessage."), request_id, []


def test_who_comes_back_gets_what_it_lacks_by_its_own_address() -> None:
    edge = Edge(head=5, known=[KnownClient(address("a"), has=3)])
    edge.connect("new")

    edge.ping("new")

    assert edge.taken("new") == [("pull", address("a"), [4, 5])]


def test_each_of_those_that_it_may_be_is_sent_what_that_one_lacks() -> None:
    known = [KnownClient(address("a"), has=3), KnownClient(address("b"), has=4)]
    edge = Edge(head=5, known=known)
    edge.connect("new")
    edge.ping("new")
    assert sorted(edge.taken("new")) == [
        ("pull", address("a"), [4, 5]),
        ("pull", address("b"), [5]),
    ]

    edge.connect("other")
    edge.pull("other", "of-ours")
    edge.push("other", 6, "other")

    assert sorted(edge.taken("new")) == [
        ("pull", address("a"), [6]),
        ("pull", address("b"), [6]),
    ]


def test_who_waits_for_an_ack_gets_it_before_the_events() -> None:
    known = KnownClient(address("a"), has=3, client_id="a", acks=("its push",))
    edge = Edge(head=4, known=[known])
    edge.connect("new")

    edge.ping("new")

    assert edge.taken("new") == [
        ("PushAck", "its push", []),
        ("pull", address("a"), [4]),
    ]


def test_only_what_has_surely_come_counts_as_received() -> None:
    edge = Edge(head=2)
    edge.connect("a")
    edge.pull("a", address("a"), cursor=2)
    edge.connect("other")
    edge.pull("other", "of-ours", cursor=2)
    edge.push("other", 3, "other")
    edge.mute.add("a")
    edge.push("other", 4, "other")
    edge.disconnect("a")
    edge.sent.clear()
    edge.connect("again")

    edge.ping("again")

    assert edge.taken("again") == [("pull", address("a"), [4])]


@pytest.mark.parametrize("waits_for_ack", [False, True])
def test_who_may_have_been_about_to_answer_is_left_alone(
    *, waits_for_ack: bool
) -> None:
    edge = Edge(head=2)
    edge.connect("a")
    edge.pull("a", address("a"), cursor=2)
    edge.connect("other")
    edge.pull("other", "of-ours", cursor=2)
    edge.mute.add("a")
    edge.push(*(("a", 3, "a") if waits_for_ack else ("other", 3, "other")))
    edge.disconnect("a", answer_is_due=True)
    edge.sent.clear()
    edge.connect("again")

    edge.ping("again")

    # Who waits for an ack has to be loaded again anyway, unless this is what it lacks.
    expected: list[tuple[str, str, list[int]]] = []
    if waits_for_ack:
        expected = [("PushAck", "push-3", []), ("pull", address("a"), [3])]
    assert edge.taken("again") == expected


def test_who_is_found_to_be_gone_later_is_woken_later() -> None:
    edge = Edge(head=2)
    edge.connect("a")
    edge.pull("a", address("a"), cursor=2)
    edge.mute.add("a")
    edge.connect("other")
    edge.pull("other", "of-ours", cursor=2)
    edge.push("other", 3, "other")
    edge.connect("again")
    edge.sent.clear()
    edge.ping("again")
    assert edge.taken("again") == []  # it may be about to answer on the other socket

    edge.disconnect("a")
    edge.ping("again")

    assert edge.taken("again") == [("pull", address("a"), [3])]


def test_who_pushes_while_it_is_woken_is_sent_nothing_twice() -> None:
    edge = Edge(head=5, known=[KnownClient(address("a"), has=3)])
    edge.connect("new")
    edge.ping("new")
    edge.taken("new")

    edge.push("new", 4, "a")  # before it had 4 and 5
    assert edge.taken("new") == [("Error", "push-4", [])]
    edge.push("new", 6, "a")  # which it had then

    assert edge.taken("new") == [("PushAck", "push-6", []), ("push", "push-6", [6])]


def test_another_client_that_pushes_then_is_helped_with_its_next_ping() -> None:
    edge = Edge(head=5, known=[KnownClient(address("a"), has=3)])
    edge.connect("new")
    edge.ping("new")
    edge.taken("new")
    edge.push("new", 4, "unheard of")
    edge.taken("new")

    edge.ping("new")

    assert edge.taken("new") == [("push", "catch-up", [4, 5])]


def test_a_client_with_a_name_is_not_taken_for_one_without() -> None:
    known = [
        KnownClient(address("a"), has=3, client_id="a"),
        KnownClient(address("nameless"), has=3),
    ]
    edge = Edge(head=3, known=known)
    edge.connect("new")
    edge.ping("new")
    edge.ping("new")  # both are sent the server's own event

    edge.push("new", 5, "a")

    assert edge.known[address("a")].client_id == "a"
    assert edge.known[address("a")].has == 5
    assert edge.known[address("nameless")].has == 3


def test_nothing_is_sent_to_who_has_everything_until_it_pings_again() -> None:
    edge = Edge(head=2, known=[KnownClient(address("a"), has=2)])
    edge.connect("new")
    edge.ping("new")
    assert edge.taken("new") == []

    edge.ping("new")

    assert edge.taken("new") == [("pull", address("a"), [3])]
    assert edge.log[-1].event.client_id == "runt-sync"


def test_one_event_of_the_server_is_enough() -> None:
    edge = Edge(head=2, known=[KnownClient(address("a"), has=2)])
    edge.connect("new")
    for _ in range(5):
        edge.ping("new")
    assert len(edge.log) == 3


def test_the_event_of_the_server_changes_no_table() -> None:
    edge = Edge(head=0, known=[KnownClient(address("a"), has=0)])
    edge.connect("new")
    edge.ping("new")
    edge.ping("new")
    state = NotebookState()
    before = state.tables()

    nudge = edge.log[-1].event
    state.apply(decode_event(nudge.name, nudge.args_text))

    assert state.tables() == before


def test_an_unknown_socket_is_left_alone() -> None:
    edge = Edge(head=5)
    edge.connect("new")
    for _ in range(3):
        edge.ping("new")
    assert edge.taken("new") == []
    assert len(edge.log) == 5


def test_a_client_that_pulls_again_by_itself_is_not_remembered() -> None:
    edge = Edge(head=1)
    edge.connect("ours")
    edge.pull("ours", "0f3c5e2a-93bd-4c5c-8f3b-0e8d1cf0a111:0")
    edge.disconnect("ours")
    assert edge.known == {}


def test_a_client_is_known_with_its_first_pull_and_what_it_has_since() -> None:
    edge = Edge(head=3)
    edge.connect("a")
    edge.pull("a", address("a"), cursor=1)
    assert edge.known == {address("a"): KnownClient(address("a"), has=3)}

    edge.push("a", 4, "javascript")

    known = KnownClient(address("a"), has=4, client_id="javascript")
    assert edge.known == {address("a"): known}


def test_a_client_that_is_loaded_again_is_forgotten_as_it_was() -> None:
    edge = Edge(head=3, known=[KnownClient(address("old"), has=3, client_id="a")])
    edge.connect("a")
    edge.pull("a", address("new"), cursor=3)

    edge.push("a", 4, "a")

    assert list(edge.known) == [address("new")]


def test_a_push_tells_who_it_is_and_then_it_is_sent_broadcasts() -> None:
    known = [
        KnownClient(address("a"), has=3, client_id="a"),
        KnownClient(address("b"), has=3, client_id="b"),
    ]
    edge = Edge(head=5, known=known)
    edge.connect("new")
    edge.ping("new")
    edge.taken("new")

    edge.push("new", 6, "b")

    assert edge.taken("new") == [("PushAck", "push-6", []), ("push", "push-6", [6])]
    assert edge.known[address("b")].has == 6
    assert edge.known[address("a")].has == 3  # that it is not


def test_who_was_somebody_unknown_is_not_woken_a_second_time() -> None:
    # It has events by now that nobody knows of, and may not be sent them again.
    edge = Edge(head=5, known=[KnownClient(address("a"), has=3)])
    edge.connect("new")
    edge.ping("new")
    edge.disconnect("new")
    edge.taken("new")
    assert edge.known == {}
    edge.connect("newer")

    edge.ping("newer")

    assert edge.taken("newer") == []


def test_it_waits_for_a_socket_on_which_somebody_unknown_was_woken() -> None:
    # The socket may be dead, its client the one that has come, and has got the events.
    known = [KnownClient(address("a"), has=3), KnownClient(address("b"), has=3)]
    edge = Edge(head=5, known=known)
    edge.connect("first")
    edge.ping("first")
    edge.mute.add("first")
    edge.connect("second")
    edge.ping("second")
    edge.sent.clear()

    edge.ping("second")
    assert edge.taken("second") == []

    edge.mute.clear()
    edge.connect("third")
    edge.ping("third")  # which asks the first one again
    assert edge.taken("second") != []


def test_what_a_log_no_longer_holds_is_nobodys_place() -> None:
    edge = Edge(head=2, known=[KnownClient(address("a"), has=7)])
    edge.connect("new")
    edge.ping("new")
    edge.ping("new")
    assert edge.taken("new") == []
    assert len(edge.log) == 2


def test_the_latest_are_remembered_up_to_a_number() -> None:
    edge = Edge(head=1, limits=Limits(max_lost_receivers=2))
    for name in "abc":
        edge.connect(name)
        edge.pull(name, address(name), cursor=1)
        edge.disconnect(name)
    assert list(edge.known) == [address("b"), address("c")]


def test_a_socket_is_told_so_many_events_at_most() -> None:
    known = [KnownClient(address("a"), has=0), KnownClient(address("b"), has=6)]
    edge = Edge(head=10, known=known, limits=Limits(max_wake_events=10))
    edge.connect("new")
    edge.ping("new")
    assert edge.taken("new") == [("pull", address("b"), [7, 8, 9, 10])]


def test_a_pull_is_no_longer_answered_for_others() -> None:
    edge = Edge(head=5, known=[KnownClient(address("a"), has=3)])
    edge.mute.add("new")
    edge.connect("new")
    edge.ping("new")
    edge.pull("new", "of-ours", cursor=4)
    assert edge.taken("new") == [("pull", "of-ours", [5])]
