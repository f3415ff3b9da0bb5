"""What a `SyncRoom` asks its edge to do."""

from collections.abc import Hashable
from typing import TypeAlias

import msgspec

from ._messages import StoredEvent

ConnId: TypeAlias = Hashable


class Send(msgspec.Struct, frozen=True):
    """Send a text frame to one connection.

    Attributes:
        conn_id: The connection, as the edge named it in `SyncRoom.connect`.
        text: The frame. A broadcast gives the same text object to every connection.
    """

    conn_id: ConnId
    text: str


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


Effect: TypeAlias = Send | Append | Read | Close
