"""Everybody who takes part in a simulation, and who comes when somebody goes."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import trio

import runt_protocol
from runt_agent import DisplacedError, LogReplacedError

from ._ack_tap import AckTap
from ._actors import Actor, Agent, Person, Requests
from ._disk import Disk
from ._invariants import Invariants
from ._network import Network
from ._recording import RecordingClient
from ._server import SimulatedServer
from ._trace import Trace, Violation


@dataclass(frozen=True)
class Plan:
    """What a seed makes of a simulation, before anything happens.

    Attributes:
        people: How many people there are.
        duration_s: How long things go wrong.
        fault_pause_s: The mean time between two faults.
        pause_s: The mean time between two acts of a person.
        latency_s: The mean delay of a frame.
        window: Characters that a connection takes before its sender waits.
        max_queued_frames: Frames that the server keeps for a slow client.
        wire: The sizes of the sync cores.
    """

    people: int
    duration_s: float
    fault_pause_s: float
    pause_s: float
    latency_s: float
    window: int
    max_queued_frames: int
    wire: runt_protocol.Limits

    @classmethod
    def draw(cls, random: Random) -> "Plan":
        """Draw a plan. Small sizes bring small simulations to where large ones get."""
        return cls(
            people=random.randint(1, 4),
            duration_s=random.choice((5.0, 10.0, 20.0, 40.0, 90.0)),
            fault_pause_s=random.choice((0.4, 1.0, 3.0, 10.0)),
            pause_s=random.choice((0.3, 1.0, 5.0)),
            latency_s=random.choice((0.0005, 0.01, 0.05)),
            window=random.choice((300, 2_000, 65_536, 1_000_000)),
            max_queued_frames=random.choice((5, 50, 10_000)),
            wire=runt_protocol.Limits(
                max_push_events=random.choice((10, 50)),
                pull_chunk_events=random.choice((2, 10, 100)),
            ),
        )


class World:
    """The parts of one simulation.

    Args:
        seed: Its seed.
        random: Where everything is drawn from.
        plan: What was drawn already.
        folder: For the server's disk.
        nursery: For everybody's tasks.
        trace: Takes notes.
    """

    def __init__(
        self,
        *,
        seed: int,
        random: Random,
        plan: Plan,
        folder: Path,
        nursery: trio.Nursery,
        trace: Trace,
    ) -> None:
        self.random = random
        self.plan = plan
        self.trace = trace
        self.people: list[Person] = []
        self.agents: list[Agent] = []
        self.requests = Requests()
        self.seed = seed
        self._nursery = nursery
        self._names = 0
        self.disk = Disk(
            folder,
            random,
            trace,
            crash=lambda: self.server.kill(),  # noqa: PLW0108 - it is made below
        )
        self.tap = AckTap(trace, self.disk.is_stored, self.violate)
        self.network = Network(random, trace, self.tap, plan.latency_s, plan.window)
        self.server = SimulatedServer(
            nursery, self.disk, self.network, plan.wire, plan.max_queued_frames, trace
        )
        self.invariants = Invariants(seed, self.requests, self.disk, self.violate)

    def violate(self, complaint: str) -> None:
        """Report that an invariant does not hold.

        Raises:
            Violation: Always.
        """
        self.trace.note("VIOLATION", complaint)
        raise Violation(complaint)

    def clients(self) -> list[RecordingClient]:
        """Give the sync clients of everybody who is still there."""
        alive = {actor.machine for actor in [*self.people, *self.agents]}
        return [client for client in RecordingClient.all if client.machine in alive]

    def add_person(self) -> None:
        """Let a person join."""
        person = Person(
            self._name("person"),
            self.server.token,
            self.random,
            self.trace,
            self.requests,
            self.plan.pause_s,
        )
        self.people.append(person)
        person.start(self._nursery)

    def add_agent(self) -> None:
        """Start an agent."""
        agent = Agent(
            self._name("agent"),
            self.server.token,
            self.random,
            self.trace,
            self.seed,
            self.invariants.check_start_of_cell,
        )
        self.agents.append(agent)
        agent.start(self._nursery)

    def lose_store(self) -> None:
        """Let the server start with nothing."""
        self.trace.note("disk", "the store is lost")
        self.server.kill()
        self.disk.lose_everything()
        RecordingClient.lost_logs = len(self.disk.lost_logs)

    def is_lost(self, client: RecordingClient) -> bool:
        """Tell whether the log that a client follows is there no more."""
        return client.log_number not in {None, len(self.disk.lost_logs)}

    async def replace_whoever_ends(self) -> None:
        """Let people come back, and agents be started again, a moment after they end.

        An agent that was displaced is not: somebody wanted another one.
        """
        while True:
            await trio.sleep(0.5 + self.random.random() * 2)
            for person in [p for p in self.people if p.has_ended]:
                self._check_ending(person)
                self.people.remove(person)
                self.add_person()
            for agent in [a for a in self.agents if a.has_ended]:
                self._check_ending(agent)
                self.agents.remove(agent)
                if not isinstance(agent.failure, DisplacedError) or not self.agents:
                    self.add_agent()

    def _check_ending(self, actor: Actor) -> None:
        for client in RecordingClient.all:
            if (
                client.machine is actor.machine
                and isinstance(actor.failure, LogReplacedError)
                and not self.is_lost(client)
            ):
                self.violate(f"{actor.machine.name} gave up a log that is still there")

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"
