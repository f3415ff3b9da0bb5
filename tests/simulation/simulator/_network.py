"""The network between machines and the one server: connections, and how they end."""

import math
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Final, Literal, TypeAlias

import trio
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from ._ack_tap import AckTap
from ._link import SWITCHING_PROTOCOLS, Link
from ._machine import Machine, this_machine
from ._trace import Trace

# When the kernel repeats the first packet of a connection that nobody answered.
_SYN_RETRIES_S: Final = (1.0, 3.0, 7.0, math.inf)

Cut: TypeAlias = Literal["drop", "late"]
"""What becomes of frames on their way to the server when a client loses it: lost, or
delivered after all, perhaps when the client has connected again and repeats them."""


class Network:
    """Connects machines to the server, with faults.

    Attributes:
        links: The connections that are not over yet, as the network sees it.
        dials: Every attempt to connect: (machine, time).
        window: Characters that may be on their way in one direction.
        extra_delay_s: On top of every delay, while it is not 0.
        tap: Sees frames.

    Args:
        random: Draws delays.
        trace: Takes notes.
        tap: See above.
        latency_s: The usual delay of a frame.
        window: See above.
    """

    def __init__(
        self, random: Random, trace: Trace, tap: AckTap, latency_s: float, window: int
    ) -> None:
        self.links: list[Link] = []
        self.dials: list[tuple[Machine, float]] = []
        self.window = window
        self.extra_delay_s = 0.0
        self._random = random
        self._trace = trace
        self.tap = tap
        self._latency_s = latency_s
        self._partitioned: set[Machine] = set()
        self._count = 0
        self.serve: Callable[[Link], None] | None = None
        self.ask_http: Callable[[str, str], Awaitable[tuple[int, bytes]]] | None = None

    def draw_delay(self) -> float:
        """Draw how long a frame travels."""
        usual = self._random.expovariate(1 / self._latency_s)
        return usual + self._random.random() * self.extra_delay_s

    # What can go wrong.

    def cut(self, link: Link, kind: Cut) -> None:
        """End a connection as its client sees it; the server learns of it later."""
        self._trace.note("network", f"cut {link.number} ({kind})")
        link.down.reset()
        if kind == "drop":
            link.up.reset()
        else:
            link.up.finish()
        link.answered.set()
        self._forget(link)

    def part(self, machine: Machine) -> None:
        """Take a machine off the network; its connections become half-open."""
        self._trace.note("network", f"{machine.name} is cut off")
        self._partitioned.add(machine)
        for link in self.links:
            if link.machine is machine:
                link.stall(stalled=True)

    def join(self, machine: Machine, *, remembers: bool) -> None:
        """Put a machine on the network again.

        Args:
            machine: The machine.
            remembers: Whether its connections go on where they stood. Else a router
                between has forgotten them and answers the next packet by a reset.
        """
        if machine not in self._partitioned:
            return
        self._trace.note("network", f"{machine.name} is back ({remembers=})")
        self._partitioned.discard(machine)
        for link in self.links_of(machine):
            if remembers and not link.is_half_open:
                link.stall(stalled=False)
            else:
                link.is_half_open = True
                self.find_out(link)

    def find_out(self, link: Link) -> None:
        """Reset a half-open connection on which somebody has sent something."""
        if link.is_half_open and not (link.up.is_empty and link.down.is_empty):
            self._trace.note("network", f"{link.number} was half-open")
            link.reset()
            self._forget(link)

    def sever(self, machine: Machine) -> None:
        """Lose a machine that has died: nothing comes from it any more."""
        self._partitioned.discard(machine)
        for link in self.links_of(machine):
            self.cut(link, self._random.choice(("drop", "late")))

    def sever_server(self) -> None:
        """Lose the server's process: its kernel resets what was connected."""
        for link in self.links:
            if link.is_stalled:
                link.is_half_open = True
            else:
                link.reset()
        self.links = [link for link in self.links if link.is_half_open]

    def is_parted(self, machine: Machine) -> bool:
        """Tell whether a machine is off the network."""
        return machine in self._partitioned

    def links_of(self, machine: Machine) -> list[Link]:
        """Give the connections of a machine."""
        return [link for link in self.links if link.machine is machine]

    def parted(self) -> list[Machine]:
        """Give the machines that are off the network."""
        return sorted(self._partitioned, key=lambda machine: machine.name)

    # How a connection comes about.

    async def dial(self, url: str) -> Link:
        """Connect the current machine.

        Raises:
            OSError: Nobody listens.
            InvalidStatus: The server refuses.
        """
        machine = this_machine.get()
        await self._reach(machine)
        self.dials.append((machine, trio.current_time()))
        await self._arrive(machine)
        if self.serve is None:
            self._trace.note(machine.name, "dials in vain")
            raise ConnectionRefusedError("nobody listens")
        self._count += 1
        link = Link(
            self._count, machine, url.partition("?")[2], self.draw_delay, self.window
        )
        self.links.append(link)
        self._trace.note(machine.name, f"dials {link.number}")
        self.serve(link)
        try:
            await link.answered.wait()
            await self._arrive(machine)
        except BaseException:
            self.cut(link, "drop")
            raise
        if link.answer is None:
            self._forget(link)
            raise ConnectionResetError("reset during the handshake")
        if link.answer != SWITCHING_PROTOCOLS:
            self._forget(link)
            self._trace.note(machine.name, f"is refused: {link.answer}")
            raise InvalidStatus(
                Response(link.answer, "", Headers(), link.body.encode())
            )
        return link

    async def request(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes]:
        """Make an HTTP request from the current machine.

        Raises:
            OSError: There was no answer.
        """
        machine = this_machine.get()
        with trio.move_on_after(timeout_s):
            await self._reach(machine)
            await self._arrive(machine)
            if self.ask_http is None:
                raise ConnectionRefusedError("nobody listens")
            if method != "GET":
                return 503, b"this server stores no artifacts"
            answer = await self.ask_http(path, headers.get("Authorization", ""))
            await self._arrive(machine)
            return answer
        raise TimeoutError("no answer")

    async def _reach(self, machine: Machine) -> None:
        retries = iter(_SYN_RETRIES_S)
        start = trio.current_time()
        while not machine.is_alive or self.is_parted(machine):  # noqa: ASYNC110 - simulated time is cheap
            await trio.sleep_until(start + next(retries))

    async def _arrive(self, machine: Machine) -> None:
        await trio.sleep(self.draw_delay())
        while not machine.is_alive or self.is_parted(machine):  # noqa: ASYNC110 - simulated time is cheap
            await trio.sleep(0.5)

    def _forget(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
