"""What a sync room knows of one socket."""

from collections import deque
from typing import Literal

import msgspec

from ._wire_v03 import PullReq, PushReq


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

    With a `repeat` the range is compared with that push instead of being sent; `known`
    of its events, from the first, were found there.
    """

    context: Literal["pull", "push"]
    request_id: str
    sent: int
    up_to: int
    repeat: Repeat | None = None
    known: int = 0


class Connection(msgspec.Struct):
    """What the room knows of a socket.

    `sent` is the highest number that the client is known to have: sent on this socket,
    or shown by its cursor or its push. None until the client has pulled or pushed:
    whoever has not said where it stands gets no broadcast, for a gap would lose events.
    """

    sent: int | None = None
    reading: Reading | None = None
    waiting: deque[PullReq | Repeat] = msgspec.field(
        default_factory=deque[PullReq | Repeat]
    )
