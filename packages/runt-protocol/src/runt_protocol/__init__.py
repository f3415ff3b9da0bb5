"""Events, wire codec, sync cores and notebook state of Runt notebooks."""

from ._connect_url import connect_url
from ._envelope import EncodedEvent, LoggedEvent
from ._errors import (
    EventTooLargeError,
    ProtocolError,
    UsageError,
    WireError,
)
from ._limits import Limits
from ._room_effects import Append, ConnId, Effect, Read, Send
from ._sync_server import SyncRoom
from ._wire_v03 import StoredEvent

__all__ = [
    "Append",
    "ConnId",
    "Effect",
    "EncodedEvent",
    "EventTooLargeError",
    "Limits",
    "LoggedEvent",
    "ProtocolError",
    "Read",
    "Send",
    "StoredEvent",
    "SyncRoom",
    "UsageError",
    "WireError",
    "connect_url",
]
