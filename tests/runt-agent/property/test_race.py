"""Agents that start, race, die and are cut off run everything once and nothing twice.

Real replicas and a real room over a simulated network, with agents that do what the
ledger and the queue say. A seed gives the same run again; RUNT_SEEDS sets their number.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest
from random_network import RandomNetwork

from runt_agent._ledger import Ledger
from runt_agent._queue import (
    Claim,
    Displace,
    Displaced,
    Fail,
    Repair,
    Run,
    Wait,
    is_in_hand,
    next_step,
    running_step,
)
from runt_agent._session import SUCCESS, Outcome, Session, completion, displacement
from runt_protocol import (
    AllExecutionsCancelled,
    CellCreatedV2,
    CellSourceChanged,
    ExecutionCancelled,
    ExecutionRequested,
    LoggedEvent,
    Replica,
    Update,
)
from runt_protocol.testing import SimulatedNetwork

SEEDS = int(os.environ.get("RUNT_SEEDS", "40"))
STEPS = 1_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PERSON = 0
AGENT_SLOTS = (1, 2, 3)


class WatchedReplica(Replica):
    """A replica that shows its ledger what the log gains, as `open_notebook` does.

    A polite one sends nothing more once its session is over. Agents of other makes
    are not polite, and even ours may have sent before they knew.
    """

    def __init__(self, name: str, *, is_polite: bool) -> None:
        super().__init__(client_id=name, session_id=name)
        self.name = name
        self.is_polite = is_polite
        self.ledger = Ledger()

    def receive_text(self, text: str, now: float) -> list[Update]:
        updates = super().receive_text(text, now)
        for update in updates:
            self.ledger.observe(update.event)
        return updates

    def data_to_send(self) -> list[str]:
        if self.is_polite and self.ledger.is_over(self.name):
            return []
        return super().data_to_send()


class Agent:
    """What `runt_agent._agent.Agent` does, one step at a time."""

    def __init__(self, replica: WatchedReplica, ran: list[str]) -> None:
        self.replica = replica
        self.session = Session(session_id=replica.name, runtime_id="r")
        self.ran = ran
        self.started: int | None = None
        self.claim: int | None = None
        self.done: set[str] = set()
        self.running: Run | None = None
        self.is_displaced = False

    def step(self, *, ends_cell: bool) -> None:
        if not self.replica.synced:
            return
        if self.started is None:
            others = self.replica.ledger.active_sessions
            self.started = self.replica.commit(*self.session.takeover(others))[-1]
        elif not self.replica.is_confirmed(self.started):
            return
        elif self.running is not None:
            if ends_cell:
                self.end_cell(self.running)
        else:
            self.decide()

    def end_cell(self, run: Run) -> None:
        self.running = None
        step = running_step(self.replica.ledger, self.session.session_id, run.queue_id)
        if step == Wait():
            self.complete(run.queue_id, run.cell_id, SUCCESS)

    def decide(self) -> None:
        if self.claim is not None and self.replica.is_confirmed(self.claim):
            self.claim = None
        step = next_step(
            self.replica.ledger,
            self.replica.state,
            self.session.session_id,
            is_claiming=self.claim is not None,
            done=self.done,
        )
        match step:
            case Claim(queue_id):
                [self.claim] = self.replica.commit(self.session.claim(queue_id))
            case Run(queue_id, cell_id):
                assert is_in_hand(
                    self.replica.ledger, self.session.session_id, queue_id
                )
                self.ran.append(queue_id)
                self.running = step
                self.replica.commit(*self.session.start(queue_id, cell_id, NOW))
            case Fail(queue_id, cell_id, reason):
                outcome = Outcome(status="error", error=reason)
                self.complete(queue_id, cell_id, outcome)
            case Displace(session_id):
                self.replica.commit(displacement(session_id))
            case Repair(ending):
                self.replica.commit(ending)
            case Displaced():
                self.is_displaced = True
            case Wait():
                pass

    def complete(self, queue_id: str, cell_id: str, outcome: Outcome) -> None:
        self.done.add(queue_id)
        self.replica.commit(completion(queue_id, cell_id, outcome, now=NOW))


class World:
    """A person and up to three agents at a time, on a network with faults."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - replayable is what it has to be
        self.are_polite = bool(seed % 2)
        self.lives = 0
        self.requests = 0
        self.ran: list[str] = []
        self.agents: dict[int, Agent] = {}
        self.network = SimulatedNetwork(
            [self.fresh_replica() for _ in (PERSON, *AGENT_SLOTS)]
        )
        self.network.replicas[PERSON].commit(
            CellCreatedV2(
                id="c", fractional_index="a0", cell_type="code", created_by="u"
            ),
            CellSourceChanged(id="c", source="1", modified_by="u"),
        )
        self.steps = steps = RandomNetwork(self.network, self.random)
        self.weights: dict[Callable[[], None], float] = {
            self.request: 5,
            self.cancel: 1.5,
            self.cancel_everything: 0.1,
            self.start_agent: 3,
            self.kill_agent: 0.7,
            self.step_agent: 30,
            steps.open: 8,
            steps.cut: 1.5,
            steps.drop: 0.7,
            steps.deliver_to_server: 25,
            steps.deliver_to_client: 30,
            steps.store: 15,
            self.read: 9,
            self.network.restart_server: 0.2,
        }

    def run(self, steps: int) -> None:
        for step in self.random.choices(
            list(self.weights), list(self.weights.values()), k=steps
        ):
            step()
        self.settle()

    def settle(self) -> None:
        """Let one more agent start, and everybody finish."""
        for slot in AGENT_SLOTS:
            self.end_process(slot)
        self.start_agent()
        [agent] = self.agents.values()
        for _ in range(20 * (self.requests + 5)):
            self.network.settle()
            agent.step(ends_cell=True)
        self.network.settle()

    def fresh_replica(self) -> WatchedReplica:
        self.lives += 1
        return WatchedReplica(str(UUID(int=self.lives)), is_polite=self.are_polite)

    def request(self) -> None:
        self.requests += 1
        self.network.replicas[PERSON].commit(
            ExecutionRequested(
                queue_id=f"q{self.requests}",
                cell_id="c",
                execution_count=1,
                requested_by="u",
            )
        )

    def cancel(self) -> None:
        if self.requests:
            # Mostly a recent one, which may be running or just claimed.
            number = self.requests - min(self.random.randrange(3), self.requests - 1)
            self.network.replicas[PERSON].commit(
                ExecutionCancelled(
                    queue_id=f"q{number}", cell_id="c", cancelled_by="u", reason="r"
                )
            )

    def cancel_everything(self) -> None:
        self.network.replicas[PERSON].commit(AllExecutionsCancelled())

    def start_agent(self) -> None:
        free = [slot for slot in AGENT_SLOTS if slot not in self.agents]
        if free:
            slot = self.random.choice(free)
            replica = self.fresh_replica()
            self.replace_replica(slot, replica)
            self.agents[slot] = Agent(replica, self.ran)

    def kill_agent(self) -> None:
        if self.agents:
            self.end_process(self.random.choice(list(self.agents)))

    def end_process(self, slot: int) -> None:
        if self.agents.pop(slot, None) is not None:
            self.replace_replica(slot, self.fresh_replica())

    def replace_replica(self, slot: int, replica: WatchedReplica) -> None:
        if self.network.is_open(slot):
            self.network.cut(slot)
        self.network.replicas[slot] = replica

    def step_agent(self) -> None:
        if self.agents:
            slot = self.random.choice(list(self.agents))
            agent = self.agents[slot]
            agent.step(ends_cell=self.random.random() < 0.2)
            if agent.is_displaced:
                self.end_process(slot)

    def read(self) -> None:
        self.steps.read(50)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_execution_ends_and_none_is_run_twice(seed: int) -> None:
    world = World(seed)

    world.run(STEPS)

    assert len(world.ran) == len(set(world.ran))
    [agent] = world.agents.values()
    assert not agent.is_displaced
    assert not agent.replica.ledger.executions
    person = world.network.replicas[PERSON].state
    assert len(person.execution_queue) == world.requests
    statuses = {row.status for row in person.execution_queue.values()}
    assert statuses <= {"completed", "failed", "cancelled"}
    active = [row for row in person.runtime_sessions.values() if row.is_active]
    assert [row.session_id for row in active] == [agent.session.session_id]


def test_the_seeds_lead_to_claims_that_meet() -> None:
    worlds = [World(seed) for seed in range(40)]
    for world in worlds:
        world.run(STEPS)

    assert sum(bool(world.ran) for world in worlds) > len(worlds) // 2
    logs = [[stored.event for stored in w.network.server.log] for w in worlds]
    assert any(claims_of_one_execution(log) > 1 for log in logs)


def claims_of_one_execution(log: list[LoggedEvent]) -> int:
    claims = [e.args_text or "" for e in log if e.name == "v1.ExecutionAssigned"]
    queue_ids = [text.partition(",")[0] for text in claims]
    return max(map(queue_ids.count, queue_ids), default=0)
