"""The messages of `@livestore/sync-cf` 0.3.1 as JSON text frames.

Source: the published package `@livestore/sync-cf` 0.3.1. LiveStore 0.4 speaks another
protocol; a codec for it can stand beside this module.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from ._envelope import LoggedEvent
from ._errors import WireError
from ._json import LENIENT, dump_text, dumps, may_hold_lone_surrogate
from ._raw_json import raw_items, raw_members

# Beyond this a JavaScript number is no longer exact.
MAX_NUMBER: Final = 2**53 - 1
SeqNum: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
Cursor: TypeAlias = Annotated[int, Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)]


class _Message(msgspec.Struct, frozen=True, rename="camel", tag_field="_tag"):
    """Gives every message its tag field and the field names of the wire."""


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a server hands it out.

    Attributes:
        event: The event in its place in the log.
        created_at: When the server stored it, an ISO date; None where it does not say.
    """

    event: LoggedEvent
    created_at: str | None


class PullReq(_Message, frozen=True, kw_only=True, tag="WSMessage.PullReq"):
    """Ask the server for every event above a sequence number.

    Attributes:
        request_id: A name for the request, repeated in its answers.
        cursor: The highest number that the client has; absent: from the beginning.
    """

    request_id: str
    cursor: Cursor | UnsetType = UNSET


class PullRes(msgspec.Struct, frozen=True, kw_only=True):
    """Bring events to a client.

    Attributes:
        batch: The events in ascending order.
        context: `pull`: an answer to a PullReq; `push`: somebody pushed these.
        request_id: The id of that pull or push.
        remaining: How many events of the answer are still to come.
    """

    batch: tuple[StoredEvent, ...]
    context: Literal["pull", "push"]
    request_id: str
    remaining: int


class PushReq(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the server to append events to the log.

    Attributes:
        request_id: A name for the request, repeated in its answers.
        batch: Consecutive events; the first one's parent is the head of the log.
    """

    request_id: str
    batch: tuple[LoggedEvent, ...]


class PushAck(_Message, frozen=True, kw_only=True, tag="WSMessage.PushAck"):
    """Say that the push `request_id` is accepted."""

    request_id: str


class ErrorRes(_Message, frozen=True, kw_only=True, tag="WSMessage.Error"):
    """Say in `message` why the request `request_id` is refused."""

    request_id: str
    message: str


class Ping(_Message, frozen=True, tag="WSMessage.Ping"):
    """Ask whether the peer is there; the id is always the word ping."""

    request_id: Literal["ping"] = "ping"


class Pong(_Message, frozen=True, tag="WSMessage.Pong"):
    """Answer a Ping; the id is always the word ping."""

    request_id: Literal["ping"] = "ping"


class _AdminReq(_Message, frozen=True, kw_only=True):
    request_id: str
    admin_secret: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(request_id={self.request_id!r})"


class AdminResetRoomReq(_AdminReq, frozen=True, tag="WSMessage.AdminResetRoomReq"):
    """Ask the server to forget the log; `admin_secret` shows that the sender may."""


class AdminResetRoomRes(
    _Message, frozen=True, kw_only=True, tag="WSMessage.AdminResetRoomRes"
):
    """Say that the log of `request_id` is forgotten."""

    request_id: str


class AdminInfoReq(_AdminReq, frozen=True, tag="WSMessage.AdminInfoReq"):
    """Ask what the server calls the room; `admin_secret` shows that the sender may."""


class AdminInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the server calls the room."""

    durable_object_id: str


class AdminInfoRes(_Message, frozen=True, kw_only=True, tag="WSMessage.AdminInfoRes"):
    """Say what the server calls the room."""

    request_id: str
    info: AdminInfo


_PlainMessage: TypeAlias = (
    PullReq
    | PushAck
    | ErrorRes
    | Ping
    | Pong
    | AdminResetRoomReq
    | AdminResetRoomRes
    | AdminInfoReq
    | AdminInfoRes
)
Message: TypeAlias = PullRes | PushReq | _PlainMessage


class _WireEvent(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    seq_num: SeqNum
    parent_seq_num: SeqNum
    client_id: str
    session_id: str
    args: Raw | UnsetType = UNSET


class _CreatedAt(msgspec.Struct, frozen=True, rename="camel"):
    created_at: str


class _Some(msgspec.Struct, frozen=True, tag="Some", tag_field="_tag"):
    value: _CreatedAt


class _None(msgspec.Struct, frozen=True, tag="None", tag_field="_tag"):
    pass


class _WirePulled(msgspec.Struct, frozen=True, rename="camel"):
    event_encoded: _WireEvent
    metadata: _Some | _None


class _WirePullId(msgspec.Struct, frozen=True, rename="camel"):
    context: Literal["pull", "push"]
    request_id: str


class _WirePullRes(_Message, frozen=True, tag="WSMessage.PullRes"):
    batch: tuple[_WirePulled, ...]
    request_id: _WirePullId
    remaining: SeqNum


class _WirePushReq(_Message, frozen=True, tag="WSMessage.PushReq"):
    request_id: str
    batch: tuple[_WireEvent, ...]


_WireMessage: TypeAlias = _WirePullRes | _WirePushReq | _PlainMessage
_decoder: Final = msgspec.json.Decoder[_WireMessage](_WireMessage)


def decode_message(text: str) -> Message:
    """Read a frame.

    Args:
        text: The text of one WebSocket text frame.

    Returns:
        The message; the args of its events are the exact text that they had in the
        frame. Fields that the protocol does not know are left out, as by the real
        peers.

    Raises:
        WireError: The frame is no JSON, has an unknown tag, or lacks or misuses a
            field.
    """
    try:
        return _from_wire(_decoder.decode(text))
    except RecursionError:
        raise WireError("it nests too deeply") from None
    except ValueError as error:  # msgspec's own errors and UnicodeEncodeError
        if isinstance(error, msgspec.ValidationError) or not may_hold_lone_surrogate(
            text
        ):
            raise WireError(str(error)) from None
    return decode_slowly(text)


def encode_message(message: Message) -> str:
    """Write a message as the text of a frame, in the key order of the real peers.

    Args:
        message: Any message; the args texts of its events are written as they are.
    """
    match message:
        case PushReq(request_id=request_id, batch=events):
            batch = ",".join(map(encode_logged_event, events))
            return (
                f'{{"_tag":"WSMessage.PushReq","requestId":{dumps(request_id)},'
                f'"batch":[{batch}]}}'
            )
        case PullRes(batch=stored):
            batch = ",".join(map(_encode_stored_event, stored))
            return (
                f'{{"_tag":"WSMessage.PullRes","batch":[{batch}],'
                f'"requestId":{{"context":"{message.context}",'
                f'"requestId":{dumps(message.request_id)}}},'
                f'"remaining":{message.remaining}}}'
            )
        case _:
            return dumps(message)


def encode_logged_event(event: LoggedEvent) -> str:
    """Write one event as it stands in the batch of a push."""
    args = "" if event.args_text is None else f'"args":{event.args_text},'
    return (
        f'{{"name":{dump_text(event.name)},{args}"seqNum":{event.seq_num},'
        f'"parentSeqNum":{event.parent_seq_num},'
        f'"clientId":{dump_text(event.client_id)},'
        f'"sessionId":{dump_text(event.session_id)}}}'
    )


def request_id_of(text: str) -> str:
    """Find out whom to answer when a frame cannot be decoded.

    Args:
        text: Any text.

    Returns:
        The request id if the text is a JSON object that holds one, else an empty text.
    """
    try:
        request_id: Any = LENIENT.decode(raw_members(text)["requestId"])
    except (ValueError, KeyError, RecursionError):
        return ""
    return request_id if isinstance(request_id, str) else ""


def _encode_stored_event(stored: StoredEvent) -> str:
    if stored.created_at is None:
        metadata = '{"_tag":"None"}'
    else:
        created_at = dump_text(stored.created_at)
        metadata = f'{{"_tag":"Some","value":{{"createdAt":{created_at}}}}}'
    event = encode_logged_event(stored.event)
    return f'{{"eventEncoded":{event},"metadata":{metadata}}}'


def _from_wire(wire: _WireMessage) -> Message:
    match wire:
        case _WirePushReq():
            batch = tuple(map(_logged_event, wire.batch))
            return PushReq(request_id=wire.request_id, batch=batch)
        case _WirePullRes():
            return PullRes(
                batch=tuple(map(_stored_event, wire.batch)),
                context=wire.request_id.context,
                request_id=wire.request_id.request_id,
                remaining=wire.remaining,
            )
        case _:
            return wire


def _logged_event(wire: _WireEvent) -> LoggedEvent:
    return LoggedEvent(
        name=wire.name,
        args_text=None if wire.args is UNSET else bytes(wire.args).decode(),
        seq_num=wire.seq_num,
        parent_seq_num=wire.parent_seq_num,
        client_id=wire.client_id,
        session_id=wire.session_id,
    )


def _stored_event(wire: _WirePulled) -> StoredEvent:
    metadata = wire.metadata
    return StoredEvent(
        event=_logged_event(wire.event_encoded),
        created_at=metadata.value.created_at if isinstance(metadata, _Some) else None,
    )


def decode_slowly(text: str) -> Message:
    """Read a frame that msgspec refuses, perhaps only for a lone surrogate.

    Raises:
        WireError: As `decode_message`.
    """
    try:
        frame = _members(text, batch=_raw_batch)
        return _from_wire(msgspec.convert(frame, _WireMessage))
    except RecursionError:
        raise WireError("it nests too deeply") from None
    except ValueError as error:
        raise WireError(str(error)) from None


def _raw_batch(text: str) -> list[dict[str, Any]]:
    return [
        _members(item, eventEncoded=_raw_event, args=_raw_args)
        for item in raw_items(text)
    ]


def _raw_event(text: str) -> dict[str, Any]:
    return _members(text, args=_raw_args)


def _raw_args(text: str) -> Raw:
    return Raw(text.encode())


def _members(text: str, **readers: Any) -> dict[str, Any]:
    return {
        name: readers.get(name, LENIENT.decode)(member)
        for name, member in raw_members(text).items()
    }
