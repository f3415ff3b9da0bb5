"""What a client and a server of a store say to each other, however it is spelled.

The cores speak these messages only. A `Wire` spells them for one version of
`@livestore/sync-cf`, and leaves out those that its version does not know.
"""

import re
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from ._envelope import LoggedEvent

_LOG_TOO_SHORT: Final = re.compile(
    r"The log ends at e(?P<head>[0-9]{1,16}), "
    r"but the cursor is e(?P<cursor>[0-9]{1,16})"
)


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a server hands it out.

    Attributes:
        event: The event in its place in the log.
        created_at: When the server stored it, an ISO date; None where it does not say.
    """

    event: LoggedEvent
    created_at: str | None


class PullReq(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the server for every event above a sequence number.

    Attributes:
        request_id: A name for the request, repeated in its answers.
        cursor: The highest number that the client has; absent: from the beginning.
        backend_id: The log that the cursor belongs to; 0.3 does not say.
        live: Whether the events that come later are wanted too; in 0.3 always.
    """

    request_id: str
    cursor: int | UnsetType = UNSET
    backend_id: str | None = None
    live: bool = True


class PullRes(msgspec.Struct, frozen=True, kw_only=True):
    """Bring events to a client.

    Attributes:
        batch: The events in ascending order.
        context: `pull`: an answer to a PullReq; `push`: somebody pushed these. 0.4 does
            not tell them apart: all of them answer the pull.
        request_id: The id of that pull or push.
        remaining: How many events of the answer are still to come.
        backend_id: The log that the events belong to; 0.3 does not say.
    """

    batch: tuple[StoredEvent, ...]
    context: Literal["pull", "push"]
    request_id: str
    remaining: int
    backend_id: str | None = None


class PullAck(msgspec.Struct, frozen=True, kw_only=True):
    """Let the server send the next answer to a pull; 0.4 waits for it, 0.3 does not."""

    request_id: str


class StopPull(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for no further answers to the pull `request_id`; 0.4 only."""

    request_id: str


class PullEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Say that no further answer to a pull comes; 0.4 only.

    Attributes:
        request_id: The id of the pull.
        stopped: Whether that is because the client asked for it.
    """

    request_id: str
    stopped: bool = False


class PushReq(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the server to append events to the log.

    Attributes:
        request_id: A name for the request, repeated in its answers.
        batch: Consecutive events; the first one's parent is the head of the log.
        backend_id: The log that is meant; 0.3 does not say.
    """

    request_id: str
    batch: tuple[LoggedEvent, ...]
    backend_id: str | None = None


class PushAck(msgspec.Struct, frozen=True, kw_only=True):
    """Say that the push `request_id` is accepted."""

    request_id: str


class ServerAhead(msgspec.Struct, frozen=True, kw_only=True):
    """A push does not continue the log, which somebody else has continued.

    Attributes:
        head: The number of the last event in the log.
        parent: The number that the push was meant to follow.
    """

    head: int
    parent: int

    def __str__(self) -> str:
        """Say it in the words of sync-cf 0.3.1."""
        return (
            f"Invalid parent event number. "
            f"Received e{self.parent} but expected e{self.head}"
        )


class OtherLog(msgspec.Struct, frozen=True, kw_only=True):
    """A client has a log that is not the one on this server.

    Attributes:
        expected: The id of the server's log.
        received: The id that the client names.
    """

    expected: str
    received: str

    def __str__(self) -> str:
        """Say it in a sentence for a log line."""
        return f"the log is {self.expected!r}, not {self.received!r}"


class LogTooShort(msgspec.Struct, frozen=True, kw_only=True):
    """A pull starts from an event that the log does not hold.

    Attributes:
        head: The number of the last event in the log.
        cursor: The number that the pull was meant to start from.
    """

    head: int
    cursor: int

    def __str__(self) -> str:
        """Say it in the sentence that `parse` reads."""
        return f"The log ends at e{self.head}, but the cursor is e{self.cursor}"

    @classmethod
    def parse(cls, message: str) -> "LogTooShort | None":
        """Read the sentence again: 0.3 errors hold nothing else."""
        found = _LOG_TOO_SHORT.fullmatch(message)
        if found is None:
            return None
        return cls(head=int(found["head"]), cursor=int(found["cursor"]))


class ErrorRes(msgspec.Struct, frozen=True, kw_only=True):
    """Say in `message` why the request `request_id` is refused.

    Attributes:
        request_id: The id of the request; empty where it could not be read.
        message: Why, in a sentence. Where there is a cause it says the same.
        cause: What clients have to know exactly; 0.3 has the sentence only.
    """

    request_id: str
    message: str
    cause: ServerAhead | OtherLog | LogTooShort | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Say in `message` that no request of this connection is answered; 0.4 only."""

    message: str


class Ping(msgspec.Struct, frozen=True):
    """Ask whether the peer is there."""


class Pong(msgspec.Struct, frozen=True):
    """Answer a Ping."""


class _AdminReq(msgspec.Struct, frozen=True, kw_only=True):
    request_id: str
    admin_secret: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(request_id={self.request_id!r})"


class AdminResetRoomReq(_AdminReq, frozen=True):
    """Ask the server to forget the log; `admin_secret` shows that the sender may."""


class AdminResetRoomRes(msgspec.Struct, frozen=True, kw_only=True):
    """Say that the log of `request_id` is forgotten."""

    request_id: str


class AdminInfoReq(_AdminReq, frozen=True):
    """Ask what the server calls the room; `admin_secret` shows that the sender may."""


class AdminInfoRes(msgspec.Struct, frozen=True, kw_only=True):
    """Say what the server calls the room."""

    request_id: str
    durable_object_id: str


Message: TypeAlias = (
    PullReq
    | PullRes
    | PullAck
    | StopPull
    | PullEnd
    | PushReq
    | PushAck
    | ErrorRes
    | Failure
    | Ping
    | Pong
    | AdminResetRoomReq
    | AdminResetRoomRes
    | AdminInfoReq
    | AdminInfoRes
)
