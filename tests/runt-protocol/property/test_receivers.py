"""LiveStore 0.3 clients whose connections are cut at any moment.

The model follows the source of `@livestore/sync-cf` and `@livestore/common` 0.3.1;
`tests/interop/test_lost_pushes.py` has the real ones.
"""

import json
from collections import deque
from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import note, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runt_protocol import (
    Append,
    Forget,
    KnownClient,
    Read,
    Remember,
    Send,
    StoredEvent,
    SyncRoom,
)
from runt_protocol._room_effects import Effect

NOW = "2026-11-23T08:00:00.000Z"
PING = '{"_tag":"WSMessage.Ping","requestId":"ping"}'
CLIENTS = 3

# The model has to know when the server cannot know.
# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001


class Pending(msgspec.Struct):
    """An event that the client has no confirmation of."""

    name: str
    number: int


class Model:
    """One LiveStore 0.3.1 client, faults included."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pull_id = f"pull-of-{name}".ljust(21, "-")
        self.has_asked = False
        self.has_answer = False
        self.stash: list[Any] = []
        self.log: list[tuple[int, str]] = []
        self.pending: list[Pending] = []
        self.queue: list[Pending] = []
        self.in_flight: str | None = None
        self.has_failed = False
        self.is_deaf = False
        self.pushes = 0
        # The connection: frames on their way down (with probes) and up (with pongs).
        self.conn_id: int | None = None
        self.down: deque[tuple[str, int | None]] = deque()
        self.up: deque[str | int] = deque()
        # Whether the server could not know what it has when a connection was cut, and
        # whether it may have been wrong about that.
        self.in_doubt = False
        self.may_be_deaf = False

    @property
    def head(self) -> int:
        return self.log[-1][0] if self.log else 0

    def connect(self, conn_id: int, *, push_first: bool) -> None:
        self.conn_id = conn_id
        if not self.has_asked:
            self.has_asked = True
            cursor = {"cursor": self.head} if self.head else {}
            self.say("PullReq", requestId=self.pull_id, **cursor)
        if push_first:
            self.push()
        self.up.append(PING)
        self.push()

    def say(self, tag: str, **fields: Any) -> None:
        self.up.append(json.dumps({"_tag": f"WSMessage.{tag}", **fields}))

    def commit(self, name: str) -> None:
        last = self.pending[-1].number if self.pending else self.head
        event = Pending(name, last + 1)
        self.pending.append(event)
        self.queue.append(event)
        self.push()

    def push(self) -> None:
        is_busy = self.in_flight is not None or self.has_failed
        if self.conn_id is None or is_busy or not self.queue:
            return
        batch, self.queue = self.queue, []
        self.pushes += 1
        self.in_flight = f"{self.name}-push-{self.pushes}"
        self.say(
            "PushReq",
            requestId=self.in_flight,
            batch=[
                {
                    "name": "v1.Debug",
                    "args": {"id": event.name},
                    "seqNum": event.number,
                    "parentSeqNum": event.number - 1,
                    "clientId": self.name,
                    "sessionId": self.name,
                }
                for event in batch
            ],
        )

    def receive(self) -> None:
        text, probe = self.down.popleft()
        message = json.loads(text)
        match message["_tag"]:
            case "WSMessage.PushAck" if message["requestId"] == self.in_flight:
                self.in_flight = None
                self.push()
            case "WSMessage.Error" if message["requestId"] == self.in_flight:
                self.in_flight = None
                self.has_failed = True
            case "WSMessage.PullRes" if not self.is_deaf:
                self.receive_events(message)
            case _:
                pass
        if probe is not None:
            self.up.append(probe)

    def receive_events(self, message: Any) -> None:
        batch = message["batch"]
        if message["requestId"]["context"] == "pull":
            if message["requestId"]["requestId"] != self.pull_id:
                return
            self.has_answer = True
            if message["remaining"] == 0:
                last = batch[-1]["eventEncoded"]["seqNum"] if batch else 0
                batch += [e for e in self.stash if e["eventEncoded"]["seqNum"] > last]
        elif not self.has_answer:
            self.stash += batch
            return
        events = [item["eventEncoded"] for item in batch]
        self.merge([(e["seqNum"], e["args"].get("id", "")) for e in events])

    def merge(self, events: list[tuple[int, str]]) -> None:
        if not events:
            return
        if events[0][0] <= self.head:
            self.is_deaf = True
            return
        same = 0
        for (number, name), event in zip(events, self.pending, strict=False):
            if (number, name) != (event.number, event.name):
                break
            same += 1
        self.log += events
        self.pending = self.pending[same:]
        if same < len(events) and self.pending:
            self.pending = [
                Pending(event.name, self.head + 1 + index)
                for index, event in enumerate(self.pending)
            ]
            self.queue = list(self.pending)
            self.in_flight = None
            self.has_failed = False
            self.push()


class CutConnections(RuleBasedStateMachine):
    """Nothing is stored twice and nobody has a gap, whatever happens.

    Clients also come through whole, all pending events stored, where the server can
    know what they have: `in_doubt` are those of whom it cannot.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[StoredEvent] = []
        self.appends: deque[Append] = deque()
        self.room = SyncRoom(0)
        self.known: dict[str, KnownClient] = {}
        self.clients = [Model(f"client-{number}") for number in range(CLIENTS)]
        self.owners: dict[object, Model] = {}
        self.zombies: deque[int] = deque()
        self.conn_ids = 0
        self.names = 0

    # What the server's edge does.

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(conn_id, text, probe):
                    client = self.owners.get(conn_id)
                    if client is not None and client.conn_id == conn_id:
                        client.down.append((text, probe))
                case Append():
                    self.appends.append(effect)
                case Read(conn_id, after, up_to):
                    rows = self.stored[after:up_to]
                    self.perform(self.room.read_chunk(conn_id, rows))
                case Remember(client):
                    self.known.pop(client.pull_id, None)
                    self.known[client.pull_id] = client
                case Forget(pull_id):
                    self.known.pop(pull_id, None)
                case _:
                    raise AssertionError(effect)

    def take_up(self, client: Model) -> None:
        match client.up.popleft():
            case str(text):
                self.perform(self.room.receive(client.conn_id, text, created_at=NOW))
                self.note_unknown(client, json.loads(text))
            case probe:
                self.perform(self.room.delivered(client.conn_id, probe))

    def note_unknown(self, client: Model, message: Any) -> None:
        connection = self.room._connections[client.conn_id]
        if message["_tag"] == "WSMessage.PushReq" and connection.receiver is None:
            for other in self.clients:
                conn = self.room._connections.get(other.conn_id)
                if conn is None or conn.receiver is None:
                    other.in_doubt = True  # it may have been that one

    def store(self) -> None:
        append = self.appends.popleft()
        self.stored += append.events
        self.perform(self.room.appended())

    # What happens.

    @rule(index=st.integers(0, CLIENTS - 1), push_first=st.booleans())
    def connect(self, index: int, *, push_first: bool) -> None:
        client = self.clients[index]
        if client.conn_id is None:
            self.conn_ids += 1
            self.room.connect(self.conn_ids)
            self.owners[self.conn_ids] = client
            client.connect(self.conn_ids, push_first=push_first)

    @rule(
        index=st.integers(0, CLIENTS - 1),
        is_noticed=st.booleans(),
        is_old=st.booleans(),
    )
    def cut(self, index: int, *, is_noticed: bool, is_old: bool) -> None:
        """Cut a connection; `is_old`: a long while after its last answer."""
        client = self.clients[index]
        if client.conn_id is None:
            return
        is_due = self.note_doubt(client, is_old=is_old or not is_noticed)
        if is_noticed:
            self.perform(self.room.disconnect(client.conn_id, answer_is_due=is_due))
        else:
            self.zombies.append(client.conn_id)
        client.conn_id = None
        client.down.clear()
        client.up.clear()

    def note_doubt(self, client: Model, *, is_old: bool) -> bool:
        """Return whether an answer is due."""
        connection = self.room._connections[client.conn_id]
        if connection.is_suspected:
            client.in_doubt = True
        if connection.is_woken:  # and nobody knows who that was
            addresses = {candidate.pull_id for candidate in connection.candidates}
            for other in self.clients:
                other.in_doubt |= other.pull_id in addresses
        if any("PullReq" in str(entry) for entry in client.up):
            client.in_doubt = True  # nobody knows its address
        pongs = any(isinstance(entry, int) for entry in client.up)
        probes = any(probe is not None for _, probe in client.down)
        is_due = (pongs or probes) and not is_old
        if is_due:
            client.in_doubt = True  # it may have more than is sure
        receiver = connection.receiver
        if pongs and (is_old or receiver is None or receiver.acks):
            # It has more, but that an answer was lost is not likely.
            client.in_doubt = client.may_be_deaf = True
        return is_due

    @rule()
    def kill_server(self) -> None:
        for index in range(CLIENTS):
            self.cut(index, is_noticed=False, is_old=True)
        self.zombies.clear()
        self.appends.clear()
        self.room = SyncRoom(len(self.stored), known=self.known.values())

    @precondition(lambda self: self.zombies)
    @rule()
    def notice(self) -> None:
        self.perform(self.room.disconnect(self.zombies.popleft()))

    @rule(index=st.integers(0, CLIENTS - 1))
    def commit(self, index: int) -> None:
        self.names += 1
        self.clients[index].commit(f"event-{self.names}")

    @rule(index=st.integers(0, CLIENTS - 1), count=st.integers(1, 4))
    def go_up(self, index: int, count: int) -> None:
        client = self.clients[index]
        for _ in range(min(count, len(client.up))):
            self.take_up(client)

    @rule(index=st.integers(0, CLIENTS - 1), count=st.integers(1, 4))
    def go_down(self, index: int, count: int) -> None:
        client = self.clients[index]
        for _ in range(min(count, len(client.down))):
            client.receive()

    @precondition(lambda self: self.appends)
    @rule()
    def store_one(self) -> None:
        self.store()

    @rule()
    def exchange(self) -> None:
        """Let everything arrive that is on its way."""
        while True:
            if self.appends:
                self.store()
            for client in self.clients:
                if client.up:
                    self.take_up(client)
                if client.down:
                    client.receive()
            if not self.appends and not any(c.up or c.down for c in self.clients):
                return

    @rule()
    def wait(self) -> None:
        """Let a minute pass, in which the server finds out who is gone."""
        for client in self.clients:
            if client.conn_id is not None:
                client.up.append(PING)
        self.exchange()
        while self.zombies:
            self.notice()

    # What has to hold.

    @invariant()
    def nothing_is_stored_twice(self) -> None:
        names = [json.loads(s.event.args_text or "")["id"] for s in self.stored_of_ours]
        assert len(names) == len(set(names))

    @property
    def stored_of_ours(self) -> list[StoredEvent]:
        return [s for s in self.stored if s.event.client_id != "runt-sync"]

    @invariant()
    def nobody_has_a_gap(self) -> None:
        for client in self.clients:
            log = [
                (s.event.seq_num, json.loads(s.event.args_text or "").get("id", ""))
                for s in self.stored[: client.head]
            ]
            assert client.log == log

    def teardown(self) -> None:
        for index in range(CLIENTS):
            self.connect(index, push_first=True)
        self.exchange()
        self.wait()
        self.wait()
        note(f"{[vars(client) for client in self.clients]}")
        for client in self.clients:
            assert client.may_be_deaf or not client.is_deaf
            if not client.in_doubt:
                assert not client.pending
                assert client.head == len(self.stored)


TestCutConnections = CutConnections.TestCase
TestCutConnections.settings = settings(max_examples=300, stateful_step_count=40)
