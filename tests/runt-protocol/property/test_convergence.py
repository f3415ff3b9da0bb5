"""Any interleaving of clients, a server and a network that is cut ends well."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from random_network import RandomNetwork

from runt_protocol import (
    WIRE_V03,
    CellCreatedV2,
    CellSourceChanged,
    Limits,
    NotebookMetadataSet,
    Replica,
    Wire,
    WireV04,
)
from runt_protocol.events import Event
from runt_protocol.testing import ConvergenceCheck, MemoryServer, SimulatedNetwork

CLIENTS = st.integers(0, 1)
# Small, so that a short run fills pushes and chunks.
LIMITS = Limits(max_push_events=3, max_push_events_near_clear=2, pull_chunk_events=2)


def network_of(client_count: int, wire: Wire = WIRE_V03) -> SimulatedNetwork:
    replicas = [
        Replica(client_id=f"client-{n}", session_id=f"session-{n}", limits=LIMITS)
        for n in range(client_count)
    ]
    for replica in replicas:
        replica.use_wire(wire)
    return SimulatedNetwork(replicas, MemoryServer(LIMITS, wire))


def events_on(key: str, first: int, count: int) -> list[Event]:
    """Make events that meet in the same rows, each unlike every other."""
    makers: list[Callable[[str], Event]] = [
        lambda text: NotebookMetadataSet(key=key, value=text),
        lambda text: CellCreatedV2(
            id=key, fractional_index=text, cell_type="code", created_by="u"
        ),
        lambda text: CellSourceChanged(id=key, source=text, modified_by="u"),
    ]
    return [makers[n % len(makers)](str(n)) for n in range(first, first + count)]


class Convergence(RuleBasedStateMachine):
    wire: Wire = WIRE_V03

    def __init__(self) -> None:
        super().__init__()
        self.network = network_of(2, self.wire)
        self.check = ConvergenceCheck(self.network)
        self.count = 0

    @initialize(is_live=st.booleans())
    def start(self, *, is_live: bool) -> None:
        if is_live:
            self.network.settle()

    @rule(client=CLIENTS, size=st.integers(1, 5), key=st.sampled_from("ab"))
    def commit(self, client: int, size: int, key: str) -> None:
        self.check.commit(client, *events_on(key, self.count, size))
        self.count += size

    @rule(client=CLIENTS)
    def open_or_cut(self, client: int) -> None:
        if self.network.is_open(client):
            self.network.cut(client)
        else:
            self.network.open(client)

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
    @rule(succeeds=st.booleans())
    def store(self, *, succeeds: bool) -> None:
        if succeeds:
            self.network.server.store_next()
        else:
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
    def nothing_is_wrong(self) -> None:
        self.check.check_always()

    def teardown(self) -> None:
        self.network.settle()
        self.check.check_settled()


Convergence.TestCase.settings = settings(
    max_examples=40, stateful_step_count=50, deadline=None
)
TestConvergence = Convergence.TestCase


class ConvergenceV04(Convergence):
    wire = WireV04("store", {"authToken": "token"})


ConvergenceV04.TestCase.settings = settings(
    max_examples=20, stateful_step_count=50, deadline=None
)
TestConvergenceV04 = ConvergenceV04.TestCase


class Simulation:
    """Two to four clients and random faults; a seed gives the same run again."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - replayable is what it has to be
        self.network = network_of(self.random.randint(2, 4))
        self.check = ConvergenceCheck(self.network)
        self.steps = steps = RandomNetwork(self.network, self.random)
        self.count = 0
        # How often each happens, relative to the others.
        self.weights: dict[Callable[[], None], float] = {
            self.commit: 20,
            steps.open: 8,
            steps.cut: 3,
            steps.drop: 2,
            steps.deliver_to_server: 22,
            steps.deliver_to_client: 25,
            steps.store: 10,
            steps.fail_to_store: 1,
            self.read: 9,
            self.network.restart_server: 0.5,
        }

    def run(self, steps: int) -> None:
        for step in self.random.choices(
            list(self.weights), list(self.weights.values()), k=steps
        ):
            step()
            self.check.check_always()
        self.network.settle()
        self.check.check_settled()
        # The last fault is over: nobody may wait long for the end of a back-off.
        assert self.network.now < 10

    def commit(self) -> None:
        size = self.random.randint(1, 4)
        key = self.random.choice("abc")
        self.check.commit(self.steps.client(), *events_on(key, self.count, size))
        self.count += size

    def read(self) -> None:
        if self.network.server.reads:
            self.steps.read(self.random.randint(1, 5))


@pytest.mark.parametrize("seed", range(30))
def test_a_long_run_converges(seed: int) -> None:
    Simulation(seed).run(200)
