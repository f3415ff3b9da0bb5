"""The network between machines and the one server: connections, and how they end."""

import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from random import Random
from types import TracebackType
from typing import Any, Final, Literal, Protocol, TypeAlias

import msgspec
import trio
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from ._machine import Machine, this_machine
from ._pipe import BrokenPipeInSimulation, Pipe
from ._trace import Trace

# When the kernel repeats the first packet of a connection that nobody answered.
_SYN_RETRIES_S: Final = (1.0, 3.0, 7.0, math.inf)
# After which a server's TCP finds out that nobody is there (`Limits.silence_s`, and
# some probes), and how long it waits for a peer that takes nothing (`send_stall_s`).
_KEEP_ALIVE_S: Final = 75.0
_SEND_STALL_S: Final = 20.0

Cut: TypeAlias = Literal["drop", "late"]
"""What becomes of frames on their way to the server when a client loses it: lost, or
delivered after all, perhaps when the client has connected again and repeats them."""


class Tap(Protocol):
    """Sees the frames of a server's side of a connection."""

    def pushed(self, link: "Link", text: str) -> None:
        """See a frame that the server is about to take in."""
        ...

    def answered(self, link: "Link", text: str) -> None:
        """See a frame that the server hands to its network."""
        ...


class Link:
    """One WebSocket between a machine and the server.

    Attributes:
        number: Counts the links of a simulation.
        machine: The client's machine.
        up: To the server.
        down: To the client.
        is_half_open: Whether both ends believe in it though nothing gets through.
        is_left: Whether the client has given it up.
    """

    def __init__(
        self, number: int, machine: Machine, network: "Network", query: str
    ) -> None:
        self.number = number
        self.machine = machine
        self.query = query
        self.up = Pipe(network.draw_delay, network.window)
        self.down = Pipe(network.draw_delay, network.window)
        self.is_half_open = False
        self.answer: int | None = None
        self.body = ""
        self.answered = trio.Event()
        self.close: Close | None = None
        self.is_left = False

    @property
    def is_stalled(self) -> bool:
        """Whether nothing gets through at the moment."""
        return self.up.is_stalled

    def stall(self, *, stalled: bool) -> None:
        """Let nothing through in either direction, or let it through again."""
        self.up.stall(stalled=stalled)
        self.down.stall(stalled=stalled)

    def reset(self) -> None:
        """End it for both."""
        self.up.reset()
        self.down.reset()
        self.answered.set()


class Network:
    """Connects machines to the server, with faults.

    Attributes:
        links: The connections that are not over yet, as the network sees it.
        dials: Every attempt to connect: (machine, time).
        window: Characters that may be on their way in one direction.
        extra_delay_s: On top of every delay, while it is not 0.

    Args:
        random: Draws delays.
        trace: Takes notes.
        tap: Sees frames.
        latency_s: The usual delay of a frame.
        window: See above.
    """

    def __init__(
        self, random: Random, trace: Trace, tap: Tap, latency_s: float, window: int
    ) -> None:
        self.links: list[Link] = []
        self.dials: list[tuple[Machine, float]] = []
        self.window = window
        self.extra_delay_s = 0.0
        self._random = random
        self._trace = trace
        self._tap = tap
        self._latency_s = latency_s
        self._partitioned: set[Machine] = set()
        self._count = 0
        self.serve: Callable[[Link], None] | None = None
        self.ask_http: Callable[[str, str], Awaitable[tuple[int, bytes]]] | None = None

    def draw_delay(self) -> float:
        """Draw how long a frame travels."""
        usual = self._random.expovariate(1 / self._latency_s)
        return usual + self._random.random() * self.extra_delay_s

    def connect(self, url: str, **options: Any) -> "Dialing":
        """Stand in for `websockets.trio.client.connect`."""
        return Dialing(self, url, **options)

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
        link = Link(self._count, machine, self, url.partition("?")[2])
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
        if link.answer != _SWITCHING_PROTOCOLS:
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

    # The server's end.

    async def serve_link(
        self, link: Link, asgi: Callable[..., Awaitable[None]]
    ) -> None:
        """Run the application for one connection, as an ASGI server does."""
        scope: dict[str, Any] = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "path": "/livestore/websocket",
            "raw_path": b"/livestore/websocket",
            "root_path": "",
            "query_string": link.query.encode(),
            "headers": [],
            "subprotocols": [],
            "client": None,
            "server": None,
            "extensions": {"websocket.http.response": {}},
        }
        end = _ServersEnd(self, link, self._tap)
        await asgi(scope, end.receive, end.send)
        link.down.finish()
        link.up.refuse()
        link.answered.set()


_SWITCHING_PROTOCOLS: Final = 101


class _ServersEnd:
    """What hypercorn is to the application: `receive` and `send` of one connection."""

    def __init__(self, network: Network, link: Link, tap: Tap) -> None:
        self._network = network
        self._link = link
        self._tap = tap
        self._is_connected = False

    async def receive(self) -> dict[str, Any]:
        if not self._is_connected:
            self._is_connected = True
            return {"type": "websocket.connect"}
        try:
            text = await self._receive()
        except BrokenPipeInSimulation:
            text = None
        if text is None:
            return {"type": "websocket.disconnect", "code": 1006}
        self._tap.pushed(self._link, text)
        return {"type": "websocket.receive", "text": text}

    async def _receive(self) -> str | None:
        while True:
            with trio.move_on_after(_KEEP_ALIVE_S):
                return await self._link.up.receive()
            if self._link.is_stalled:
                return None

    async def send(self, message: dict[str, Any]) -> None:
        link = self._link
        match message["type"]:
            case "websocket.accept":
                link.answer = _SWITCHING_PROTOCOLS
                link.answered.set()
            case "websocket.send":
                await self._send_text(message["text"])
            case "websocket.close":
                link.close = Close(message.get("code", 1000), message.get("reason", ""))
                link.down.finish()
            case "websocket.http.response.start":
                link.answer = message["status"]
            case "websocket.http.response.body":
                link.body = message.get("body", b"").decode()
                link.answered.set()
            case other:
                raise AssertionError(f"the application sends {other}")

    async def _send_text(self, text: str) -> None:
        self._tap.answered(self._link, text)
        with trio.move_on_after(_SEND_STALL_S) as waiting:
            try:
                await self._link.down.send(text)
            except BrokenPipeInSimulation:
                return  # as hypercorn's: the reader reports the end
        if waiting.cancelled_caught:
            self._link.reset()
        self._network.find_out(self._link)


class ClientSocket:
    """What `_connection.py` uses of a `websockets` connection.

    Args:
        network: The network.
        link: The connection.
    """

    def __init__(self, network: Network, link: Link) -> None:
        self._network = network
        self._link = link

    async def recv(self, *, decode: bool) -> str:
        """Wait for a frame."""
        assert decode
        try:
            text = await self._link.down.receive()
        except BrokenPipeInSimulation:
            raise ConnectionClosedError(None, None) from None
        if text is None:
            raise ConnectionClosedError(self._link.close, None)
        return text

    async def send(self, text: str) -> None:
        """Send a frame; wait while the window is full."""
        if not self._link.machine.is_alive:
            await trio.sleep_forever()
        try:
            await self._link.up.send(text)
        except BrokenPipeInSimulation:
            raise ConnectionClosedError(None, None) from None
        self._network.find_out(self._link)


class Dialing(AbstractAsyncContextManager[ClientSocket]):
    """One attempt to connect, and the connection if there will be one."""

    def __init__(
        self,
        network: Network,
        url: str,
        *,
        open_timeout: float,
        close_timeout: float,
        **_: Any,
    ) -> None:
        self._network = network
        self._url = url
        self._open_timeout = open_timeout
        self._close_timeout = close_timeout

    async def __aenter__(self) -> ClientSocket:
        """Connect."""
        with trio.move_on_after(self._open_timeout):
            self._link = await self._network.dial(self._url)
            return ClientSocket(self._network, self._link)
        raise TimeoutError("timed out during opening handshake")

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Say goodbye; wait a moment for the answer."""
        self._link.is_left = True
        self._link.up.finish()
        with trio.move_on_after(self._close_timeout):
            try:
                while await self._link.down.receive() is not None:
                    pass
            except BrokenPipeInSimulation:
                pass
        self._link.down.refuse()


class _Head(msgspec.Struct, rename={"tag": "_tag", "request_id": "requestId"}):
    tag: str
    request_id: Any = None
    batch: list[Any] = []


class AckTap:
    """Checks that every acknowledged push is on the disk when its ack leaves.

    Args:
        trace: Takes notes.
        is_stored: Tells whether a crash now would leave an event in the log.
        violate: Reports a violation.
    """

    def __init__(
        self,
        trace: Trace,
        is_stored: Callable[[int, str], bool],
        violate: Callable[[str], None],
    ) -> None:
        self._trace = trace
        self._is_stored = is_stored
        self._violate = violate
        self._pushes: dict[tuple[int, str], list[Any]] = {}
        self.acks = 0
        self.refusals = 0

    def pushed(self, link: Link, text: str) -> None:
        """Remember a push."""
        self._trace.note(link.machine.name, f"-> {link.number} {_short(text)}")
        if '"WSMessage.PushReq"' in text[:200]:
            head = msgspec.json.decode(text, type=_Head)
            self._pushes[link.number, str(head.request_id)] = head.batch

    def answered(self, link: Link, text: str) -> None:
        """Check an ack."""
        self._trace.note(link.machine.name, f"<- {link.number} {_short(text)}")
        if '"WSMessage.PushAck"' in text:
            head = msgspec.json.decode(text, type=_Head)
            for event in self._pushes.pop((link.number, str(head.request_id))):
                self.acks += 1
                if not self._is_stored(event["seqNum"], event["sessionId"]):
                    self._violate(f"acknowledged, not stored: e{event['seqNum']}")
        elif '"WSMessage.Error"' in text[:200]:
            self.refusals += 1


def _short(text: str) -> str:
    return text.replace("WSMessage.", "") if len(text) < 160 else _cut(text)


def _cut(text: str) -> str:
    return f"{text[:130].replace('WSMessage.', '')}… {len(text)} chars"
