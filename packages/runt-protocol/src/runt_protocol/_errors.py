"""The errors of this package, split by who is at fault.

ProtocolError
├── UsageError           the caller: a call that the object's state does not allow
├── InvalidEventError    whoever made an event: clients could not read it
├── ReusedIdError        the peer: a valid event, but it names a row that stands
├── WireError            the peer: a frame that is no message of the protocol
├── OtherLogError        the peer: its log is not the one that a client has followed
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


class OtherLogError(ProtocolError):
    """The server's log of the store is not the one that this client has followed.

    The server has lost its store, or has taken another one up. Nothing of what the
    client has belongs into that log, so the client is at its end; a new one follows it.

    Attributes:
        head: The number of the last event that the client has.
        finding: What is known of the server's log, after "the server's log".
        pending_count: How many events of the client no log holds.
    """

    def __init__(self, *, head: int, finding: str, pending_count: int) -> None:
        self.head = head
        self.finding = finding
        self.pending_count = pending_count
        super().__init__(
            f"the log was followed up to event {head:,}, but the server's log "
            f"{finding}: it is another log, and {_lost(pending_count)}"
        )


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


def _lost(pending_count: int) -> str:
    match pending_count:
        case 0:
            return "nothing was pushed into it"
        case 1:
            return "one event that was not stored yet is lost, not pushed into it"
        case _:
            return (
                f"{pending_count:,} events that were not stored yet are lost, "
                f"not pushed into it"
            )
