"""What a sync room knows of one socket."""

from collections import deque
from typing import Literal

import msgspec

from ._messages import (
    ErrorRes,
    LogTooShort,
    Message,
    OtherLog,
    PullReq,
    PushReq,
    ServerAhead,
)
from ._room_effects import ConnId, Effect, Send
from ._wire import Wire


class Repeat(msgspec.Struct, frozen=True):
    """A push from behind the head of the log: perhaps it is stored there already.

    Attributes:
        push: The push.
        created_at: When it came.
    """

    push: PushReq
    created_at: str


class Reading(msgspec.Struct):
    """A range of the log on its way to a connection; `sent` moves up to `up_to`.

    `live` says whether later events are to follow, `stopped` that the client wants
    nothing of it any more. With a `repeat` the range is compared with that push instead
    of being sent; `known` of its events, from the first, were found there.
    """

    context: Literal["pull", "push"]
    request_id: str
    sent: int
    up_to: int
    live: bool = True
    stopped: bool = False
    repeat: Repeat | None = None
    known: int = 0


class Connection(msgspec.Struct):
    """What the room knows of a socket.

    `wire` is what it speaks. Where that is streamed, `stream` is the id of the live
    pull that later events answer, None while there is none.

    `sent` is the highest number that the client is known to have: sent on this socket,
    or shown by its cursor or its push. None until the client has pulled or pushed:
    whoever has not said where it stands gets no broadcast, for a gap would lose events.
    """

    conn_id: ConnId
    wire: Wire
    stream: str | None = None
    has_pulled: bool = False
    has_pinged: bool = False
    sent: int | None = None
    reading: Reading | None = None
    waiting: deque[PullReq | Repeat] = msgspec.field(
        default_factory=deque[PullReq | Repeat]
    )

    def send(self, message: Message) -> list[Effect]:
        """Send a message, if there is such a one in what the socket speaks."""
        text = self.wire.encode(message)
        return [] if text is None else [Send(self.conn_id, text)]

    def refuse(
        self, request_id: str, why: str | ServerAhead | OtherLog | LogTooShort
    ) -> list[Effect]:
        """Say why a request is refused."""
        cause = None if isinstance(why, str) else why
        return self.send(ErrorRes(request_id=request_id, message=str(why), cause=cause))
