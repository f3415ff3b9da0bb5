"""What a sync room knows of one socket."""

from collections import deque
from typing import Final, Literal

import msgspec

from ._messages import (
    ErrorRes,
    LogTooShort,
    Message,
    OtherLog,
    PullReq,
    PullRes,
    PushAck,
    PushReq,
    ServerAhead,
)
from ._receiver import Delivery, Receiver, receiver_of
from ._room_effects import ConnId, Effect, Remember, Send
from ._wire import Wire

# More than wait for any client that answers probes. What is left out stays in doubt.
_MAX_DELIVERIES: Final = 256


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
    of being sent; `known` of its events, from the first, were found there. With `wakes`
    it is for the receivers that the socket may belong to, each by its own address.
    """

    context: Literal["pull", "push"]
    request_id: str
    sent: int
    up_to: int
    live: bool = True
    stopped: bool = False
    repeat: Repeat | None = None
    known: int = 0
    wakes: bool = False


class Connection(msgspec.Struct):
    """What the room knows of a socket.

    `wire` is what it speaks. Where that is streamed, `stream` is the id of the live
    pull that later events answer, None while there is none.

    `sent` is the highest number that the client is known to have: sent on this socket,
    or shown by its cursor or its push. None until the client has pulled or pushed:
    whoever has not said where it stands gets no broadcast, for a gap would lose events.

    `receiver` is the LiveStore 0.3 client at the other end. As long as it neither pulls
    nor pushes, it may be any of `candidates`. `head_before` is where the log ended when
    it came, `answered_probe` is the last that came back. Its client may have connected
    anew and be somebody else by now while no probe after `suspected_since` has.
    `crossed_parent` is what it pushed behind while events were on their way to it,
    `probed` the probes that others were sent when it came.
    """

    conn_id: ConnId
    wire: Wire
    head_before: int
    stream: str | None = None
    has_pulled: bool = False
    has_pinged: bool = False
    sent: int | None = None
    reading: Reading | None = None
    waiting: deque[PullReq | Repeat] = msgspec.field(
        default_factory=deque[PullReq | Repeat]
    )
    receiver: Receiver | None = None
    candidates: list[Receiver] = msgspec.field(default_factory=list[Receiver])
    answered_probe: int = 0
    suspected_since: int | None = None
    crossed_parent: int | None = None
    probed: dict[ConnId, int] = msgspec.field(default_factory=dict[ConnId, int])
    _probes: int = 0
    _deliveries: deque[Delivery] = msgspec.field(default_factory=deque[Delivery])

    @property
    def is_silent(self) -> bool:
        """Whether a 0.3 client has not said who it is or where it stands."""
        is_unknown = self.sent is None and not self.has_pulled
        return is_unknown and not self.wire.is_streamed

    @property
    def is_woken(self) -> bool:
        """Whether one of the candidates has got something here, nobody knows which."""
        return any(candidate.has > candidate.began for candidate in self.candidates)

    @property
    def is_suspected(self) -> bool:
        """Whether this may be what is left of a client that has connected anew."""
        since = self.suspected_since
        return since is not None and self.answered_probe <= since

    @property
    def last_probe(self) -> int:
        """The number of the last probe that was sent."""
        return self._probes

    def meet(self, pull_id: str, cursor: int) -> list[Effect]:
        """Take note of the pull with which the client begins."""
        if self.wire.is_streamed:
            return []
        self.receiver = receiver_of(pull_id, cursor)
        return [] if self.receiver is None else [Remember(self.receiver.known())]

    def send(self, message: Message) -> list[Effect]:
        """Send a message, if there is such a one in what the socket speaks."""
        text = self.wire.encode(message)
        return [] if text is None else [Send(self.conn_id, text)]

    def send_events(self, text: str, up_to: int) -> list[Effect]:
        """Send a frame after which the client has all events up to a number."""
        self.sent = max(self.sent or 0, up_to)
        if self.receiver is None:
            return [Send(self.conn_id, text)]
        self.receiver.sent = self.sent
        return [self._probed(text, Delivery(0, self.receiver, self.sent, []))]

    def send_candidate(self, candidate: Receiver, answer: PullRes) -> list[Effect]:
        """Send events to one of those that the client may be, by its address."""
        text = self.wire.encode(answer) or ""
        candidate.sent = answer.batch[-1].event.seq_num
        if candidate is self.receiver:
            return self.send_events(text, candidate.sent)
        return [self._probed(text, Delivery(0, candidate, candidate.sent, []))]

    def acknowledge(self, request_id: str) -> list[Effect]:
        """Tell the client that a push of its is stored."""
        if self.receiver is None:
            return self.send(PushAck(request_id=request_id))
        if request_id not in self.receiver.acks:
            self.receiver.acks.append(request_id)
        return self.repeat_acks(self.receiver, [request_id])

    def repeat_acks(self, receiver: Receiver, acks: list[str]) -> list[Effect]:
        """Tell a client, or one that it may be, which of its pushes are stored."""
        return [
            self._probed(
                self.wire.encode(PushAck(request_id=ack)) or "",
                Delivery(0, receiver, receiver.has, [ack]),
            )
            for ack in acks
        ]

    def probe(self, message: Message) -> Send:
        """Send a message and have the socket answer when it has come."""
        self._probes += 1
        return Send(self.conn_id, self.wire.encode(message) or "", self._probes)

    def confirm(self, probe: int) -> None:
        """Take note that everything up to a probe has come to the client."""
        self.answered_probe = max(self.answered_probe, probe)
        while self._deliveries and self._deliveries[0].probe <= probe:
            self._deliveries.popleft().confirm()

    def shows(self, head: int) -> None:
        """Take note that the client has all events up to a number."""
        self.sent = max(self.sent or 0, head)
        if self.receiver is not None:
            self.receiver.has = max(self.receiver.has, head)
            self.receiver.sent = self.sent

    def refuse(
        self, request_id: str, why: str | ServerAhead | OtherLog | LogTooShort
    ) -> list[Effect]:
        """Say why a request is refused."""
        cause = None if isinstance(why, str) else why
        return self.send(ErrorRes(request_id=request_id, message=str(why), cause=cause))

    def _probed(self, text: str, delivery: Delivery) -> Send:
        self._probes += 1
        delivery.probe = self._probes
        if len(self._deliveries) < _MAX_DELIVERIES:
            self._deliveries.append(delivery)
        return Send(self.conn_id, text, self._probes)
