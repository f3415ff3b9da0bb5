"""Any interleaving of clients, a server and a network that is cut ends well."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from runt_protocol import (
    CellCreatedV2,
    CellSourceChanged,
    EncodedEvent,
    Limits,
    NotebookMetadataSet,
    Replica,
    encode_event,
    materialize,
)
from runt_protocol.events import Event
from runt_protocol.testing import MemoryServer, SimulatedNetwork

CLIENTS = st.integers(0, 1)
# Small, so that a short run fills pushes and chunks.
LIMITS = Limits(max_push_events=3, max_push_events_near_clear=2, pull_chunk_events=2)


class Convergence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        replicas = [
            Replica(client_id=f"client-{n}", session_id=f"session-{n}", limits=LIMITS)
            for n in (0, 1)
        ]
        self.network = SimulatedNetwork(replicas, MemoryServer(LIMITS))
        # What each client has committed; no two events have the same args.
        self.committed: list[list[tuple[int, EncodedEvent]]] = [[], []]
        self.count = 0

    @rule(client=CLIENTS, size=st.integers(1, 5), key=st.sampled_from("abc"))
    def commit(self, client: int, size: int, key: str) -> None:
        events: list[Event] = []
        for _ in range(size):
            self.count += 1
            text = str(self.count)
            events += (
                NotebookMetadataSet(key=key, value=text),
                CellCreatedV2(
                    id=key, fractional_index=text, cell_type="code", created_by="u"
                ),
                CellSourceChanged(id=key, source=text, modified_by="u"),
            )
        tickets = self.network.replicas[client].commit(*events)
        encoded = map(encode_event, events)
        self.committed[client] += zip(tickets, encoded, strict=True)

    @rule(client=CLIENTS)
    def open(self, client: int) -> None:
        if not self.network.is_open(client):
            self.network.open(client)

    @rule(client=CLIENTS)
    def cut(self, client: int) -> None:
        if self.network.is_open(client):
            self.network.cut(client)

    @precondition(lambda self: self.network.connections())
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        self.network.drop(data.draw(st.sampled_from(self.network.connections())))

    @precondition(lambda self: self.network.deliverable_to_server())
    @rule(data=st.data())
    def deliver_to_server(self, data: st.DataObject) -> None:
        conn_ids = self.network.deliverable_to_server()
        self.network.deliver_to_server(data.draw(st.sampled_from(conn_ids)))

    @precondition(lambda self: self.network.deliverable_to_client())
    @rule(data=st.data())
    def deliver_to_client(self, data: st.DataObject) -> None:
        clients = self.network.deliverable_to_client()
        self.network.deliver_to_client(data.draw(st.sampled_from(clients)))

    @precondition(lambda self: self.network.server.appends)
    @rule()
    def store(self) -> None:
        self.network.server.store_next()

    @precondition(lambda self: self.network.server.appends)
    @rule()
    def fail_to_store(self) -> None:
        self.network.server.fail_to_store()

    @precondition(lambda self: self.network.server.reads)
    @rule(data=st.data(), size=st.integers(1, 3))
    def read(self, data: st.DataObject, size: int) -> None:
        conn_ids = list(self.network.server.reads)
        self.network.server.read_next(data.draw(st.sampled_from(conn_ids)), size)

    @rule()
    def restart_server(self) -> None:
        self.network.restart_server()

    @invariant()
    def nothing_is_stored_twice(self) -> None:
        stored = self.stored_args()
        assert len(set(stored)) == len(stored)

    @invariant()
    def what_is_confirmed_is_stored(self) -> None:
        stored = set(self.stored_args())
        for replica, committed in zip(
            self.network.replicas, self.committed, strict=True
        ):
            for ticket, event in committed:
                assert not replica.is_confirmed(ticket) or event.args_text in stored

    @invariant()
    def a_state_shows_the_log_so_far_and_the_pending_events(self) -> None:
        log = [stored.event for stored in self.network.server.log]
        for replica, committed in zip(
            self.network.replicas, self.committed, strict=True
        ):
            events = [event for _, event in committed]
            pending = events[len(events) - replica.pending_count :]
            expected = materialize([*log[: replica.head], *pending])
            assert replica.state.tables() == expected

    def stored_args(self) -> list[str | None]:
        return [stored.event.args_text for stored in self.network.server.log]

    def teardown(self) -> None:
        self.network.settle()
        log = [stored.event for stored in self.network.server.log]
        assert [event.seq_num for event in log] == list(range(1, len(log) + 1))
        for number, replica in enumerate(self.network.replicas):
            own = [e.args_text for e in log if e.client_id == f"client-{number}"]
            assert own == [event.args_text for _, event in self.committed[number]]
            assert replica.pending_count == 0
            assert replica.head == len(log)
            assert replica.skipped_count == 0
            assert replica.state.tables() == materialize(log)


Convergence.TestCase.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None
)
TestConvergence = Convergence.TestCase
