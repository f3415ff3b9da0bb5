"""One simulation: a notebook's life with faults, all of it drawn from one seed."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import cast

import trio

from ._clock import SimulatedClock
from ._edges import seeded_scheduler, simulated_edges
from ._faults import Faults
from ._machine import Machine
from ._recording import RecordingClient
from ._trace import Trace
from ._world import Plan, World

TRACE_LINES = 80
_START_S = 0.01
_CONFIRMED_WITHIN_S = 10.0
_SETTLED_WITHIN_S = 600.0


@dataclass
class Outcome:
    """What came of a seed.

    Attributes:
        seed: The seed.
        failure: What went wrong, None if nothing did.
        trace: The last notes.
        digest: A checksum over all notes.
        events: How many events the log held at the end.
        simulated_s: How much time passed in it.
        faults: How often each kind of fault happened.
        executions: How many cells were started.
        acks: How many events were acknowledged.
    """

    seed: int
    failure: BaseException | None = None
    trace: str = ""
    digest: int = 0
    events: int = 0
    simulated_s: float = 0.0
    faults: dict[str, int] = field(default_factory=dict[str, int])
    executions: int = 0
    acks: int = 0


def simulate(seed: int, mutations: Mapping[str, object] | None = None) -> Outcome:
    """Run the simulation of a seed.

    Args:
        seed: Any number; the same one gives the same simulation again.
        mutations: Dotted names and what stands there instead.
    """
    outcome = Outcome(seed)
    random = Random(seed)  # noqa: S311 - replayable is what it has to be
    RecordingClient.all = []
    RecordingClient.first_delays = []
    RecordingClient.lost_logs = 0
    trace = Trace()
    with TemporaryDirectory(prefix="runt-simulation-") as folder:
        simulation = _Simulation(seed, random, Path(folder), trace, outcome)
        try:
            with (
                seeded_scheduler(random),
                simulated_edges(
                    lambda: simulation.world.network, random, mutations or {}
                ),
            ):
                trio.run(simulation.run, clock=SimulatedClock())
        except Exception as error:  # noqa: BLE001 - whatever a part raises is a finding
            outcome.failure = _first(error)
    outcome.trace = trace.text(TRACE_LINES)
    outcome.digest = trace.digest
    return outcome


class _Simulation:
    def __init__(
        self, seed: int, random: Random, folder: Path, trace: Trace, outcome: Outcome
    ) -> None:
        self._seed = seed
        self._random = random
        self._folder = folder
        self._trace = trace
        self._outcome = outcome

    async def run(self) -> None:
        plan = Plan.draw(self._random)
        async with trio.open_nursery() as nursery:
            self.world = world = World(
                seed=self._seed,
                random=self._random,
                plan=plan,
                folder=self._folder,
                nursery=nursery,
                trace=self._trace,
            )
            RecordingClient.max_push_events = plan.wire.max_push_events
            await self._live(world, nursery)
            # Agents say goodbye when they are cancelled, some to a server that they
            # have to dial first; so it is nowhere before it is cancelled itself.
            world.server.kill()
            nursery.cancel_scope.cancel()

    async def _live(self, world: World, nursery: trio.Nursery) -> None:
        world.server.start()
        await trio.sleep(_START_S)
        for _ in range(world.plan.people):
            world.add_person()
        world.add_agent()
        nursery.start_soon(world.replace_whoever_ends)
        faults = Faults(world)
        with trio.move_on_after(world.plan.duration_s):
            async with trio.open_nursery() as breaking:
                breaking.start_soon(faults.run)
                breaking.start_soon(self._look_now_and_then, world)
        faults.end()
        self._outcome.faults = faults.counts
        await self._see_pending_confirmed(world)
        await self._see_everything_settle(world)
        self._check(world)
        self._outcome.simulated_s = trio.current_time()
        self._outcome.executions = sum(map(len, world.invariants.started.values()))
        self._outcome.acks = world.tap.acks

    async def _look_now_and_then(self, world: World) -> None:
        while True:
            await trio.sleep(world.plan.duration_s / 4)
            self._check_clients(world)

    async def _see_pending_confirmed(self, world: World) -> None:
        for person in world.people:
            person.is_idle = True
        clients = [
            client
            for client in world.clients()
            if client.tickets and client.pending_count and not world.is_lost(client)
        ]
        last = {client: client.tickets[-1] for client in clients}
        await trio.sleep(_CONFIRMED_WITHIN_S)
        here = set(world.clients())
        for client, ticket in last.items():
            if client in here and not client.is_confirmed(ticket):
                world.violate(
                    f"{client.machine.name} has unconfirmed events "
                    f"{_CONFIRMED_WITHIN_S:g} s after the last fault"
                )

    async def _see_everything_settle(self, world: World) -> None:
        for person in world.people:
            person.is_idle = True
        with trio.move_on_after(_SETTLED_WITHIN_S):
            while not self._has_settled(world):
                for person in world.people:
                    person.is_idle = True
                await trio.sleep(0.5)

    def _has_settled(self, world: World) -> bool:
        people = world.people
        head = len(world.disk.log())
        return (
            all(person.notebook is not None for person in people)
            and all(client.head == head for client in world.clients())
            and not any(world.is_lost(client) for client in world.clients())
            and not any(client.pending_count for client in world.clients())
            and all(
                row.status not in {"pending", "assigned", "executing"}
                for person in people
                if person.notebook is not None
                for row in person.notebook.state.execution_queue.values()
            )
        )

    def _check(self, world: World) -> None:
        self._check_clients(world)
        log = world.disk.log()
        self._outcome.events = len(log)
        for client in world.clients():
            if world.is_lost(client):
                world.violate(f"{client.machine.name} follows a log that is lost")
            if client.head != len(log) or client.pending_count:
                world.violate(
                    f"{client.machine.name} does not converge: it has e{client.head} "
                    f"of e{len(log)}, {client.pending_count} pending"
                )
        world.invariants.check_outcome()
        dials: dict[Machine, list[float]] = defaultdict(list)
        for machine, time in world.network.dials:
            dials[machine].append(time)
        for machine, times in dials.items():
            world.invariants.check_dials(times, machine.name)
        world.invariants.check_jitter(RecordingClient.first_delays)

    def _check_clients(self, world: World) -> None:
        world.invariants.check_log(RecordingClient.all)
        for person in world.people:
            for client in world.clients():
                if client.machine is person.machine:
                    world.invariants.check_state(person, client)


def _first(error: Exception) -> Exception:
    if isinstance(error, ExceptionGroup):
        return _first(cast("ExceptionGroup[Exception]", error).exceptions[0])
    return error
