"""A server and clients in memory, and a network between them that can be cut.

Nothing here happens by itself: every frame is delivered, every append stored and every
read answered by a call, so that a test (or hypothesis) chooses the interleaving.
"""

from collections import deque
from collections.abc import Sequence

from runt_protocol._limits import Limits
from runt_protocol._messages import StoredEvent
from runt_protocol._phase import Phase
from runt_protocol._replica import Replica
from runt_protocol._room_effects import (
    Append,
    Close,
    ConnId,
    Effect,
    Forget,
    Read,
    Remember,
    Send,
)
from runt_protocol._sync_server import SyncRoom
from runt_protocol._wire import Wire
from runt_protocol._wire_v03 import WIRE_V03

_CREATED_AT = "2026-01-01T00:00:00.000Z"
_PATIENCE = 10_000


class MemoryServer:
    """A sync server whose log is a list: the smallest edge around a `SyncRoom`.

    Attributes:
        log: Every event that is stored.
        room: The core.
        frames: What is on its way to each connection.
        appends: What waits to be stored.
        reads: What waits to be read, one for a connection at most.
        closing: The connections that the room wants closed.

    Args:
        limits: What the room accepts and how it cuts its answers.
        wire: What its clients speak.
    """

    def __init__(self, limits: Limits | None = None, wire: Wire = WIRE_V03) -> None:
        self.limits = limits or Limits()
        self.wire = wire
        self.log: list[StoredEvent] = []
        self.closing: set[ConnId] = set()
        self.room = self._open_room()
        self.frames: dict[ConnId, deque[str]] = {}
        self.appends: deque[Append] = deque()
        self.reads: dict[ConnId, Read] = {}

    def connect(self, conn_id: ConnId) -> None:
        """Accept a socket."""
        self.room.connect(conn_id, self.wire)
        self.frames[conn_id] = deque()

    def disconnect(self, conn_id: ConnId) -> None:
        """Close a socket; frames that are on their way to it are lost."""
        del self.frames[conn_id]
        self._perform(self.room.disconnect(conn_id))
        self.closing.discard(conn_id)
        self.reads.pop(conn_id, None)

    def receive(self, conn_id: ConnId, text: str) -> None:
        """Take in a frame from a socket."""
        self._perform(self.room.receive(conn_id, text, created_at=_CREATED_AT))

    def store_next(self) -> None:
        """Store the oldest append."""
        self.log.extend(self.appends.popleft().events)
        self._perform(self.room.appended())

    def fail_to_store(self) -> None:
        """Let the oldest append fail, and those behind it with it."""
        self.appends.clear()
        self._perform(self.room.append_failed("the disk is full"))

    def read_next(self, conn_id: ConnId, max_events: int) -> None:
        """Read on for a connection."""
        read = self.reads.pop(conn_id)
        end = min(read.after + max_events, read.up_to)
        if end < read.up_to:
            self.reads[conn_id] = Read(conn_id, end, read.up_to)
        self._perform(self.room.read_chunk(conn_id, self.log[read.after : end]))

    def settle(self) -> None:
        """Store and read whatever waits."""
        while self.appends or self.reads:
            if self.appends:
                self.store_next()
            else:
                conn_id = next(iter(self.reads))
                self.read_next(conn_id, self.limits.pull_chunk_events)

    def restart(self) -> None:
        """End the process: only the log is left."""
        self.room = self._open_room()
        self.closing.clear()
        self.frames.clear()
        self.appends.clear()
        self.reads.clear()

    def _open_room(self) -> SyncRoom:
        return SyncRoom(len(self.log), limits=self.limits, backend_id="the-log")

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(conn_id, text):
                    self.frames[conn_id].append(text)
                case Append():
                    self.appends.append(effect)
                case Close(conn_id):
                    self.closing.add(conn_id)
                case Read(conn_id):
                    self.reads[conn_id] = effect
                case Remember() | Forget():
                    pass  # of LiveStore 0.3 clients, which a replica is not


class SimulatedNetwork:
    """Replicas that talk to one `MemoryServer` over connections that can be cut.

    Attributes:
        replicas: The clients.
        server: The server.
        now: The time in seconds that the clients are told.

    Args:
        replicas: The clients.
        server: The server; a new one by default.
    """

    def __init__(
        self, replicas: Sequence[Replica], server: MemoryServer | None = None
    ) -> None:
        self.replicas = list(replicas)
        self.server = server or MemoryServer()
        self.now = 0.0
        self._conn_ids: dict[int, int] = {}
        self._opened = 0
        self._frames: dict[int, deque[str]] = {}

    def is_open(self, client: int) -> bool:
        """Tell whether a client has a connection."""
        return client in self._conn_ids

    def open(self, client: int) -> None:
        """Connect a client that has no connection."""
        self._opened += 1
        self._conn_ids[client] = self._opened
        self._frames[self._opened] = deque()
        self.server.connect(self._opened)
        self.replicas[client].connection_opened(self.now)

    def cut(self, client: int) -> None:
        """End a client's connection as the client sees it.

        What it has sent stays on its way: the server learns of the end after that.
        """
        self._send(client)
        del self._conn_ids[client]
        self.replicas[client].connection_lost(self.now, jitter=0.5)

    def deliver_to_server(self, conn_id: int) -> None:
        """Bring the oldest frame of a connection to the server."""
        self.server.receive(conn_id, self._frames[conn_id].popleft())

    def deliver_to_client(self, client: int) -> None:
        """Bring the server's oldest frame to a client."""
        text = self.server.frames[self._conn_ids[client]].popleft()
        self.replicas[client].receive_text(text, self.now)

    def drop(self, conn_id: int) -> None:
        """Let the server see the end of a connection; what is on its way is lost."""
        for client, open_id in list(self._conn_ids.items()):
            if open_id == conn_id:
                self.cut(client)
        del self._frames[conn_id]
        self.server.disconnect(conn_id)

    def connections(self) -> list[int]:
        """Return the connections that the server has, cut ones included."""
        return list(self._frames)

    def deliverable_to_server(self) -> list[int]:
        """Return the connections with a frame on its way to the server."""
        for client in list(self._conn_ids):
            self._send(client)
        return [conn_id for conn_id, frames in self._frames.items() if frames]

    def deliverable_to_client(self) -> list[int]:
        """Return the clients with a frame on its way to them."""
        return [
            client
            for client, conn_id in self._conn_ids.items()
            if self.server.frames[conn_id]
        ]

    def restart_server(self) -> None:
        """Kill the server and start it again; every connection ends."""
        self.server.restart()
        for client in list(self._conn_ids):
            self.cut(client)
        self._frames.clear()

    def settle(self) -> None:
        """Deliver everything, connect whoever is not, until nothing is left to do.

        Raises:
            AssertionError: It never ends.
        """
        for _ in range(_PATIENCE):
            if not (self._deliver_all() or self._connect_all() or self._wait()):
                return
        raise AssertionError("the network does not come to rest")

    def _deliver_all(self) -> bool:
        to_server = self.deliverable_to_server()
        for conn_id in to_server:
            self.deliver_to_server(conn_id)
        self.server.settle()
        to_client = self.deliverable_to_client()
        for client in to_client:
            self.deliver_to_client(client)
        for conn_id in [c for c in self.connections() if c in self.server.closing]:
            self.drop(conn_id)
        for client, replica in enumerate(self.replicas):
            if client in self._conn_ids and replica.close_reason is not None:
                self.drop(self._conn_ids[client])
        return bool(to_server or to_client)

    def _connect_all(self) -> bool:
        offline = [
            client
            for client, replica in enumerate(self.replicas)
            if replica.phase is Phase.OFFLINE
        ]
        for client in offline:
            self.now = max(self.now, self.replicas[client].next_deadline())
            self.open(client)
        return bool(offline)

    def _wait(self) -> bool:
        waiting = [r for r in self.replicas if r.pending_count or not r.synced]
        for replica in waiting:
            self.now = max(self.now, replica.next_deadline())
            replica.handle_timeout(self.now)
        return bool(waiting)

    def _send(self, client: int) -> None:
        frames = self._frames[self._conn_ids[client]]
        frames.extend(self.replicas[client].data_to_send())
