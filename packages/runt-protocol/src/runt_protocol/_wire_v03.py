"""The messages of `@livestore/sync-cf` 0.3.1 as JSON text frames.

Source: the published package `@livestore/sync-cf` 0.3.1. `_wire_v04` stands beside it.
"""

from typing import ClassVar, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

import runt_protocol._messages as msg

from ._frame_reading import find_text, read_frame, read_members
from ._json import dump_text, dumps
from ._wire_events import (
    Cursor,
    SeqNum,
    WireEvent,
    WireMetadata,
    WireStored,
    encode_logged_event,
    encode_stored_event,
    read_batch,
)


class _Frame(msgspec.Struct, frozen=True, rename="camel", tag_field="_tag"):
    """Gives every frame its tag field and the field names of the wire."""


class _PullId(msgspec.Struct, frozen=True, rename="camel"):
    context: Literal["pull", "push"]
    request_id: str


class _PullReq(_Frame, frozen=True, tag="WSMessage.PullReq"):
    request_id: str
    cursor: Cursor | UnsetType = UNSET


class _PullRes(_Frame, frozen=True, tag="WSMessage.PullRes"):
    batch: tuple[WireStored[WireMetadata], ...]
    request_id: _PullId
    remaining: SeqNum


class _PushReq(_Frame, frozen=True, tag="WSMessage.PushReq"):
    request_id: str
    batch: tuple[WireEvent, ...]


class _PushAck(_Frame, frozen=True, tag="WSMessage.PushAck"):
    request_id: str


class _Error(_Frame, frozen=True, tag="WSMessage.Error"):
    request_id: str
    message: str


class _Ping(_Frame, frozen=True, tag="WSMessage.Ping"):
    request_id: Literal["ping"] = "ping"


class _Pong(_Frame, frozen=True, tag="WSMessage.Pong"):
    request_id: Literal["ping"] = "ping"


class _AdminResetRoomReq(_Frame, frozen=True, tag="WSMessage.AdminResetRoomReq"):
    request_id: str
    admin_secret: str


class _AdminResetRoomRes(_Frame, frozen=True, tag="WSMessage.AdminResetRoomRes"):
    request_id: str


class _AdminInfoReq(_Frame, frozen=True, tag="WSMessage.AdminInfoReq"):
    request_id: str
    admin_secret: str


class _AdminInfo(msgspec.Struct, frozen=True, rename="camel"):
    durable_object_id: str


class _AdminInfoRes(_Frame, frozen=True, tag="WSMessage.AdminInfoRes"):
    request_id: str
    info: _AdminInfo


_Plain: TypeAlias = (
    msg.PullReq
    | msg.PushAck
    | msg.ErrorRes
    | msg.Ping
    | msg.Pong
    | msg.AdminResetRoomReq
    | msg.AdminResetRoomRes
    | msg.AdminInfoReq
    | msg.AdminInfoRes
)
MessageV03: TypeAlias = msg.PullRes | msg.PushReq | _Plain
_AnyFrame: TypeAlias = (
    _PullReq
    | _PullRes
    | _PushReq
    | _PushAck
    | _Error
    | _Ping
    | _Pong
    | _AdminResetRoomReq
    | _AdminResetRoomRes
    | _AdminInfoReq
    | _AdminInfoRes
)
_decoder: Final = msgspec.json.Decoder[_AnyFrame](_AnyFrame)


class WireV03:
    """The `Wire` of LiveStore 0.3; see there."""

    version: ClassVar[str] = "0.3"
    is_streamed: ClassVar[bool] = False

    def decode(self, text: str) -> msg.Message:
        """Read a frame.

        Raises:
            WireError: It is no message.
        """
        return decode_message(text)

    def encode(self, message: msg.Message) -> str | None:
        """Write a message."""
        if isinstance(message, msg.PullAck | msg.StopPull | msg.PullEnd | msg.Failure):
            return None
        return encode_message(message)

    def name_request(self, session_id: str, number: int) -> str:
        """Make the id of a request; broadcasts carry it to every other client."""
        return f"{session_id}:{number}"

    def request_id_of(self, text: str) -> str:
        """Find out whom to answer when a frame cannot be decoded."""
        return find_text(text, "requestId")


WIRE_V03: Final = WireV03()
"""The wire of LiveStore 0.3; it has no state."""


def decode_message(text: str) -> MessageV03:
    """Read a frame.

    Args:
        text: The text of one WebSocket text frame.

    Raises:
        WireError: It is no message.
    """
    return _message(read_frame(text, _decoder, _read_slowly))


def encode_message(message: MessageV03) -> str:
    """Write a message as the text of a frame, in the key order of the real peers.

    Args:
        message: Any message of 0.3; the args texts of its events are written as they
            are.
    """
    match message:
        case msg.PushReq(request_id=request_id, batch=events):
            batch = ",".join(map(encode_logged_event, events))
            return (
                f'{{"_tag":"WSMessage.PushReq","requestId":{dump_text(request_id)},'
                f'"batch":[{batch}]}}'
            )
        case msg.PullRes(batch=stored):
            batch = ",".join(map(encode_stored_event, stored))
            return (
                f'{{"_tag":"WSMessage.PullRes","batch":[{batch}],'
                f'"requestId":{{"context":"{message.context}",'
                f'"requestId":{dump_text(message.request_id)}}},'
                f'"remaining":{message.remaining}}}'
            )
        case _:
            return dumps(_plain_frame(message))


def _read_slowly(text: str) -> _AnyFrame:
    return msgspec.convert(read_members(text, batch=read_batch), _AnyFrame)


def _message(frame: _AnyFrame) -> MessageV03:  # noqa: PLR0911 - one for each kind
    match frame:
        case _PushReq(request_id=request_id, batch=events):
            batch = tuple(event.logged() for event in events)
            return msg.PushReq(request_id=request_id, batch=batch)
        case _PullRes(request_id=answered):
            return msg.PullRes(
                batch=tuple(pulled.stored() for pulled in frame.batch),
                context=answered.context,
                request_id=answered.request_id,
                remaining=frame.remaining,
            )
        case _PullReq(request_id=request_id, cursor=cursor):
            return msg.PullReq(request_id=request_id, cursor=cursor)
        case _PushAck(request_id=request_id):
            return msg.PushAck(request_id=request_id)
        case _Error(request_id=request_id, message=message):
            cause = msg.LogTooShort.parse(message)
            return msg.ErrorRes(request_id=request_id, message=message, cause=cause)
        case _Ping():
            return msg.Ping()
        case _Pong():
            return msg.Pong()
        case _:
            return _admin_message(frame)


def _admin_message(
    frame: _AdminResetRoomReq | _AdminResetRoomRes | _AdminInfoReq | _AdminInfoRes,
) -> MessageV03:
    request_id = frame.request_id
    match frame:
        case _AdminResetRoomReq(admin_secret=secret):
            return msg.AdminResetRoomReq(request_id=request_id, admin_secret=secret)
        case _AdminResetRoomRes():
            return msg.AdminResetRoomRes(request_id=request_id)
        case _AdminInfoReq(admin_secret=secret):
            return msg.AdminInfoReq(request_id=request_id, admin_secret=secret)
        case _AdminInfoRes(info=info):
            return msg.AdminInfoRes(
                request_id=request_id, durable_object_id=info.durable_object_id
            )


def _plain_frame(message: _Plain) -> _AnyFrame:  # noqa: PLR0911 - one for each kind
    match message:
        case msg.PullReq(request_id=request_id, cursor=cursor):
            return _PullReq(request_id=request_id, cursor=cursor)
        case msg.PushAck(request_id=request_id):
            return _PushAck(request_id=request_id)
        case msg.ErrorRes(request_id=request_id, message=reason):
            return _Error(request_id=request_id, message=reason)
        case msg.Ping():
            return _Ping()
        case msg.Pong():
            return _Pong()
        case msg.AdminResetRoomReq(request_id=request_id, admin_secret=secret):
            return _AdminResetRoomReq(request_id=request_id, admin_secret=secret)
        case msg.AdminResetRoomRes(request_id=request_id):
            return _AdminResetRoomRes(request_id=request_id)
        case msg.AdminInfoReq(request_id=request_id, admin_secret=secret):
            return _AdminInfoReq(request_id=request_id, admin_secret=secret)
        case msg.AdminInfoRes(request_id=request_id, durable_object_id=name):
            info = _AdminInfo(durable_object_id=name)
            return _AdminInfoRes(request_id=request_id, info=info)
