"""What goes wrong, one method a kind, and how it is over in the end."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import Final

import trio

from ._disk import DiskFault
from ._world import World

# A Ping goes out 25 s after the last Pong and is given up after 20 s; then some more.
_FOUND_OUT_S: Final = 25 + 20 + 3
# In so many simulations the store is lost, once.
_LOSES_STORE: Final = 0.15
_JUMPS: Final = (timedelta(hours=1), timedelta(seconds=-40), timedelta(days=-400))


class Faults:
    """Breaks things at random times.

    Attributes:
        counts: How often each kind has happened.
        loses_store_at: Seconds until the store is lost; None: it is not.

    Args:
        world: What to break.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.random
        self.counts: dict[str, int] = {}
        self._kinds: dict[Callable[[], Awaitable[None]], float] = {
            self.cut: 8,
            self.delay: 3,
            self.half_open: 4,
            self.kill_server: 3,
            self.stop_server: 1,
            self.disk_fault: 4,
            self.fsync_error: 2,
            self.kill_agent: 4,
            self.stop_agent: 1,
            self.second_agent: 2,
            self.kill_person: 2,
            self.clock_jump: 1,
            self.expired_token: 1,
        }
        # Drawn apart, so that it happens in some simulations and only once in each:
        # whoever was there before has to go, and much of what else could be found too.
        chances = Random(f"the lost store of {world.seed}")  # noqa: S311 - replayable
        self.loses_store_at: float | None = None
        if chances.random() < _LOSES_STORE:
            self.loses_store_at = chances.uniform(0, world.plan.duration_s)

    async def run(self) -> None:
        """Break things until cancelled; what is broken then stays so until `end`."""
        async with trio.open_nursery() as nursery:
            if self.loses_store_at is not None:
                nursery.start_soon(self._lose_store_at, self.loses_store_at)
            while True:
                pause_s = self._random.expovariate(1 / self._world.plan.fault_pause_s)
                await trio.sleep(pause_s)
                kinds, weights = list(self._kinds), list(self._kinds.values())
                kind = self._random.choices(kinds, weights)[0]
                self._note(kind.__name__)
                nursery.start_soon(kind)

    def end(self) -> None:
        """Let everything that is still broken work again."""
        world = self._world
        world.trace.note("FAULT", "the last one is over")
        world.network.extra_delay_s = 0.0
        for machine in world.network.parted():
            world.network.join(machine, remembers=self._random.random() < 0.5)
        world.disk.next_fault = None
        world.disk.is_broken = False
        world.server.token_is_expired = False
        if world.server.is_stopping:
            world.server.kill()
        world.server.start()

    async def cut(self) -> None:
        """Lose a connection; what was on its way is lost or comes late."""
        if links := self._world.network.links:
            kind = self._random.choice(("drop", "late"))
            self._world.network.cut(self._random.choice(links), kind)

    async def delay(self) -> None:
        """Slow everything down."""
        self._world.network.extra_delay_s = self._random.choice((0.2, 2.0))
        await self._a_while(1, 10)
        self._world.network.extra_delay_s = 0.0

    async def half_open(self) -> None:
        """Take a machine off the network without a word to either side."""
        world = self._world
        machine = self._random.choice([*world.people, *world.agents]).machine
        if machine.is_alive and not world.network.is_parted(machine):
            world.network.part(machine)
            links = world.network.links_of(machine)
            await self._a_while(0.2, self._random.choice((2, 10, _FOUND_OUT_S)))
            if self._random.random() < 0.3:
                await trio.sleep(_FOUND_OUT_S)
                if machine.is_alive and any(
                    link.is_stalled and not link.is_left for link in links
                ):
                    world.violate(f"{machine.name} trusts a half-open connection")
            world.network.join(machine, remembers=self._random.random() < 0.5)

    async def kill_server(self) -> None:
        """End the server's process and start it again."""
        self._world.server.kill()
        await self._restart_server()

    async def stop_server(self) -> None:
        """Stop the server in good order and start it again."""
        await self._world.server.stop()
        await self._restart_server()

    async def disk_fault(self) -> None:
        """Let the next write be the server's last, before, in or after it."""
        kinds: tuple[DiskFault, ...] = (
            "crash before commit",
            "crash after commit",
            "torn write",
        )
        self._world.disk.next_fault = self._random.choice(kinds)
        while self._world.server.is_up and self._world.disk.next_fault:  # noqa: ASYNC110 - simulated time is cheap
            await trio.sleep(0.05)
        await self._restart_server()

    async def fsync_error(self) -> None:
        """Let the disk refuse every write for a while."""
        self._world.disk.is_broken = True
        await self._a_while(0.1, 10)
        self._world.disk.is_broken = False

    async def kill_agent(self) -> None:
        """Kill an agent wherever it waits."""
        if agents := [a for a in self._world.agents if not a.has_ended]:
            agent = self._random.choice(agents)
            agent.kill()
            self._world.network.sever(agent.machine)

    async def stop_agent(self) -> None:
        """Stop an agent as Ctrl-C does."""
        if agents := [a for a in self._world.agents if not a.has_ended]:
            self._random.choice(agents).stop()

    async def second_agent(self) -> None:
        """Start another agent beside the one that is there."""
        if len(self._world.agents) < 3:
            self._world.add_agent()

    async def kill_person(self) -> None:
        """Kill a client, with whatever it has not pushed yet."""
        if people := [p for p in self._world.people if not p.has_ended]:
            person = self._random.choice(people)
            person.kill()
            self._world.network.sever(person.machine)

    async def clock_jump(self) -> None:
        """Set a clock on some wall, forwards or back."""
        world = self._world
        actor = self._random.choice([world.server, *world.people, *world.agents])
        actor.machine.skew += self._random.choice(_JUMPS)

    async def expired_token(self) -> None:
        """Let the server accept no token for a while."""
        self._world.server.token_is_expired = True
        await self._a_while(0.2, 8)
        self._world.server.token_is_expired = False

    async def lose_store(self) -> None:
        """Lose the server's log, and start the server with an empty one."""
        self._world.lose_store()
        await self._restart_server()

    async def _lose_store_at(self, time: float) -> None:
        await trio.sleep(time)
        self._note(self.lose_store.__name__)
        await self.lose_store()

    def _note(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1
        self._world.trace.note("FAULT", name)

    async def _restart_server(self) -> None:
        await self._a_while(0.05, self._random.choice((1, 5, 20)))
        self._world.server.start()

    async def _a_while(self, least_s: float, most_s: float) -> None:
        await trio.sleep(self._random.uniform(least_s, most_s))
