"""What a `SyncRoom` asks its edge to do."""

from collections.abc import Hashable
from typing import TypeAlias

import msgspec

from ._messages import StoredEvent
from ._receiver import KnownClient

ConnId: TypeAlias = Hashable


class Send(msgspec.Struct, frozen=True):
    """Send a text frame to one connection.

    Attributes:
        conn_id: The connection, as the edge named it in `SyncRoom.connect`.
        text: The frame. A broadcast gives the same text object to every connection.
        probe: A number to call `SyncRoom.delivered` with once the peer's WebSocket has
            the frame: when the Pong to a Ping right behind it has come (RFC 6455
            §5.5.2). None where that does not matter.
    """

    conn_id: ConnId
    text: str
    probe: int | None = None


class Append(msgspec.Struct, frozen=True):
    """Store events in one transaction, then call `SyncRoom.appended`.

    Attributes:
        events: Consecutive events that continue the log and the Appends before this.
    """

    events: tuple[StoredEvent, ...]


class Read(msgspec.Struct, frozen=True):
    """Read a range of the log and pass it on through `SyncRoom.read_chunk`.

    Attributes:
        conn_id: The connection that the events are for.
        after: The number before the first event of the range.
        up_to: The number of the last event, always above `after`.
    """

    conn_id: ConnId
    after: int
    up_to: int


class Close(msgspec.Struct, frozen=True):
    """Close one connection after what it is to be sent, so that it comes back anew.

    Attributes:
        conn_id: The connection.
        reason: What it is told, at most 123 bytes.
    """

    conn_id: ConnId
    reason: str


class Remember(msgspec.Struct, frozen=True):
    """Keep what is known of a client, for the next room of this store.

    It should outlive a crash of the server, but need not wait for the disk. An edge
    that keeps nothing serves such a client only as long as the room stands.

    Attributes:
        client: The client; it takes the place of what was kept under its `pull_id`.
    """

    client: KnownClient


class Forget(msgspec.Struct, frozen=True):
    """Drop what is kept of a client: it is no longer sure, or no longer needed.

    Attributes:
        pull_id: The client's; nothing may be kept under it.
    """

    pull_id: str


Effect: TypeAlias = Send | Append | Read | Close | Remember | Forget
