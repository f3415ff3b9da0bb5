"""The errors of this package, split by who is at fault.

ProtocolError
├── UsageError           the caller: a call that the object's state does not allow
├── InvalidEventError    whoever made an event: clients could not read it
├── ReusedIdError        the peer: a valid event, but it names a row that stands
├── WireError            the peer: a frame that is no message of the protocol
└── EventTooLargeError   a limit: an event that no server would take
"""


class ProtocolError(Exception):
    """The base of every error that this package raises on purpose."""


class UsageError(ProtocolError):
    """The object's state does not allow this call; the text says what it expects."""


class InvalidEventError(ProtocolError):
    """An event would end the syncing of every LiveStore client that reads it.

    Attributes:
        name: The event's name.
        reason: What is wrong with its arguments.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"the event {name} is invalid: {reason}")


class ReusedIdError(ProtocolError):
    """An event adds a row under an id that must be new and is not.

    Attributes:
        table: The table's name.
        key: The id.
    """

    def __init__(self, table: str, key: str) -> None:
        self.table = table
        self.key = key
        super().__init__(f"the table {table} has a row with the id {key!r} already")


class WireError(ProtocolError):
    """A frame from the peer is no message of the protocol.

    Attributes:
        reason: What is wrong with the frame, for a log line or an answer.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"this frame is no sync message: {reason}")


class EventTooLargeError(ProtocolError):
    """An event is larger than the sync service takes.

    Attributes:
        name: The event's name.
        size: The size of the event on the wire in bytes.
        max_size: The size in bytes that it may have at most.
    """

    def __init__(self, name: str, size: int, max_size: int) -> None:
        self.name = name
        self.size = size
        self.max_size = max_size
        super().__init__(
            f"the event {name} has {size:,} bytes on the wire; "
            f"the sync service takes at most {max_size:,}"
        )
