"""The errors of this package, split by who is at fault.

ProtocolError
├── WireError            the peer: a frame that is no message of the protocol
└── EventTooLargeError   a limit: an event that no server would take
"""


class ProtocolError(Exception):
    """The base of every error that this package raises on purpose."""


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
