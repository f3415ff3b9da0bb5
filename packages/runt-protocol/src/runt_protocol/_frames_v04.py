"""The frames of `@livestore/sync-cf` 0.4.0 as exact types, and how they are read.

`_wire_v04` says what they mean and writes them.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

import runt_protocol._messages as msg

from ._errors import WireError
from ._frame_reading import read_frame, read_members, read_raw
from ._json import dumps
from ._raw_json import raw_items
from ._wire_events import (
    Cursor,
    SeqNum,
    WireEvent,
    WireMetadata,
    WireNone,
    WireSome,
    WireStored,
    read_batch,
)

MAX_BACKEND_ID: Final = 128
"""Characters of a log's id; the real server's have 21."""

_MAX_REASON: Final = 2000
_Id: TypeAlias = Annotated[str, Meta(max_length=64)]
_BackendId: TypeAlias = Annotated[str, Meta(max_length=MAX_BACKEND_ID)]


class _Tagged(msgspec.Struct, frozen=True, rename="camel", tag_field="_tag"):
    """Gives frames and their parts a tag field and the field names of the wire."""


class _Position(msgspec.Struct, frozen=True, rename="camel"):
    backend_id: _BackendId
    event_sequence_number: Cursor


class _Pull(msgspec.Struct, frozen=True):
    live: bool
    cursor: WireSome[_Position] | WireNone


class _Push(msgspec.Struct, frozen=True, rename="camel"):
    batch: tuple[WireEvent, ...]
    backend_id: WireSome[_BackendId] | WireNone


class _Metadata(
    WireMetadata, frozen=True, tag="SyncMessage.SyncMetadata", tag_field="_tag"
):
    pass


class _NoMore(_Tagged, frozen=True, tag="NoMore"):
    remaining: Literal[0] = 0


class _MoreKnown(_Tagged, frozen=True, tag="MoreKnown"):
    remaining: SeqNum


class _MoreUnknown(_Tagged, frozen=True, tag="MoreUnknown"):
    remaining: Literal[1] = 1


class _Page(msgspec.Struct, frozen=True, rename="camel"):
    batch: tuple[WireStored[_Metadata], ...]
    page_info: _NoMore | _MoreKnown | _MoreUnknown
    backend_id: _BackendId


class _ServerAheadError(_Tagged, frozen=True, tag="ServerAheadError"):
    minimum_expected_num: Cursor
    provided_num: Cursor


class _OtherLogError(_Tagged, frozen=True, tag="BackendIdMismatchError"):
    expected: _BackendId
    received: _BackendId


class _UnknownError(_Tagged, frozen=True, tag="UnknownError"):
    cause: Any = None


class _Fail(_Tagged, frozen=True, tag="Fail"):
    error: _ServerAheadError | _OtherLogError | _UnknownError


class _Die(_Tagged, frozen=True, tag="Die"):
    defect: Any = None


class _Interrupted(_Tagged, frozen=True, tag="Interrupt"):
    pass


class _NoCause(_Tagged, frozen=True, tag="Empty"):
    pass


class _Sequential(_Tagged, frozen=True, tag="Sequential"):
    left: "_Cause"
    right: "_Cause"


class _Parallel(_Tagged, frozen=True, tag="Parallel"):
    left: "_Cause"
    right: "_Cause"


_Cause: TypeAlias = _Fail | _Die | _Interrupted | _NoCause | _Sequential | _Parallel


class _Acknowledged(msgspec.Struct, frozen=True):
    """An object without members that mean anything."""


class _Success(_Tagged, frozen=True, tag="Success"):
    value: _Acknowledged | UnsetType = UNSET


class _FailureExit(_Tagged, frozen=True, tag="Failure"):
    cause: _Cause


class _RequestFrame(_Tagged, frozen=True, tag="Request"):
    id: _Id
    tag: str
    payload: Raw


class _AckFrame(_Tagged, frozen=True, tag="Ack"):
    request_id: _Id


class _InterruptFrame(_Tagged, frozen=True, tag="Interrupt"):
    request_id: _Id


class _ChunkFrame(_Tagged, frozen=True, tag="Chunk"):
    request_id: _Id
    values: Annotated[tuple[_Page, ...], Meta(min_length=1)]


class _ExitFrame(_Tagged, frozen=True, tag="Exit"):
    request_id: _Id
    exit: _Success | _FailureExit


class _DefectFrame(_Tagged, frozen=True, tag="Defect"):
    defect: Any = None


class _PingFrame(_Tagged, frozen=True, tag="Ping"):
    pass


class _PongFrame(_Tagged, frozen=True, tag="Pong"):
    pass


_AnyFrame: TypeAlias = (
    _RequestFrame
    | _AckFrame
    | _InterruptFrame
    | _ChunkFrame
    | _ExitFrame
    | _DefectFrame
    | _PingFrame
    | _PongFrame
)
_decoder: Final = msgspec.json.Decoder[_AnyFrame](_AnyFrame)
_pull_decoder: Final = msgspec.json.Decoder(_Pull)
_push_decoder: Final = msgspec.json.Decoder(_Push)


def read_message(text: str) -> msg.Message:
    """Read a frame.

    Args:
        text: The text of one WebSocket text frame.

    Raises:
        WireError: It is no message.
    """
    return _message(read_frame(text, _decoder, _read_slowly))


def _read_slowly(text: str) -> _AnyFrame:
    frame = read_members(text, payload=read_raw, values=_read_pages)
    return msgspec.convert(frame, _AnyFrame)


def _pull_slowly(text: str) -> _Pull:
    return msgspec.convert(read_members(text), _Pull)


def _push_slowly(text: str) -> _Push:
    return msgspec.convert(read_members(text, batch=read_batch), _Push)


def _read_pages(text: str) -> list[dict[str, Any]]:
    return [read_members(page, batch=read_batch) for page in raw_items(text)]


def _message(frame: _AnyFrame) -> msg.Message:
    match frame:
        case _RequestFrame(tag="SyncWsRpc.Push"):
            return _push(frame)
        case _RequestFrame(tag="SyncWsRpc.Pull"):
            return _pull(frame)
        case _RequestFrame(tag=tag):
            raise WireError(f"there is no request {tag[:64]!r}")
        case _AckFrame(request_id=request_id):
            return msg.PullAck(request_id=request_id)
        case _InterruptFrame(request_id=request_id):
            return msg.StopPull(request_id=request_id)
        case _PingFrame():
            return msg.Ping()
        case _:
            return _server_message(frame)


def _server_message(
    frame: _ChunkFrame | _ExitFrame | _DefectFrame | _PongFrame,
) -> msg.Message:
    match frame:
        case _ChunkFrame():
            return _answer(frame)
        case _ExitFrame(request_id=request_id, exit=_FailureExit(cause=cause)):
            return _refusal(request_id, cause)
        case _ExitFrame(request_id=request_id, exit=success):
            is_push = isinstance(success, _Success) and success.value is not UNSET
            answer = msg.PushAck if is_push else msg.PullEnd
            return answer(request_id=request_id)
        case _DefectFrame(defect=defect):
            return msg.Failure(message=_reason(defect))
        case _PongFrame():
            return msg.Pong()


def _push(frame: _RequestFrame) -> msg.PushReq:
    push = read_frame(bytes(frame.payload).decode(), _push_decoder, _push_slowly)
    some = push.backend_id
    return msg.PushReq(
        request_id=frame.id,
        batch=tuple(event.logged() for event in push.batch),
        backend_id=some.value if isinstance(some, WireSome) else None,
    )


def _pull(frame: _RequestFrame) -> msg.PullReq:
    pull = read_frame(bytes(frame.payload).decode(), _pull_decoder, _pull_slowly)
    if isinstance(pull.cursor, WireNone):
        return msg.PullReq(request_id=frame.id, live=pull.live)
    return msg.PullReq(
        request_id=frame.id,
        live=pull.live,
        cursor=pull.cursor.value.event_sequence_number,
        backend_id=pull.cursor.value.backend_id,
    )


def _answer(frame: _ChunkFrame) -> msg.PullRes:
    last = frame.values[-1]
    return msg.PullRes(
        batch=tuple(pulled.stored() for page in frame.values for pulled in page.batch),
        context="pull",
        request_id=frame.request_id,
        remaining=last.page_info.remaining,
        backend_id=last.backend_id,
    )


def _refusal(request_id: str, cause: _Cause) -> msg.Message:
    causes = sorted(_causes(cause), key=_rank)
    match causes:
        case [_Fail(error=_ServerAheadError() as error), *_]:
            ahead = msg.ServerAhead(
                head=error.minimum_expected_num, parent=error.provided_num
            )
            return msg.ErrorRes(request_id=request_id, message=str(ahead), cause=ahead)
        case [_Fail(error=_OtherLogError() as error), *_]:
            other = msg.OtherLog(expected=error.expected, received=error.received)
            return msg.ErrorRes(request_id=request_id, message=str(other), cause=other)
        case [_Fail(error=_UnknownError(cause=reason)), *_]:
            return msg.ErrorRes(request_id=request_id, message=_reason(reason))
        case [_Die(defect=defect), *_]:
            return msg.ErrorRes(request_id=request_id, message=_reason(defect))
        case _:
            return msg.PullEnd(request_id=request_id, stopped=True)


def _causes(cause: _Cause) -> Iterator[_Cause]:
    waiting = [cause]
    while waiting:
        match waiting.pop():
            case (
                _Sequential(left=left, right=right) | _Parallel(left=left, right=right)
            ):
                waiting += [right, left]
            case other:
                yield other


def _rank(cause: _Cause) -> int:
    """Order causes by how much they say: failures that are foreseen come first."""
    return (isinstance(cause, _Fail), isinstance(cause, _Die), True).index(True)


def _reason(defect: Any) -> str:
    """Shorten what may be anything to a sentence for a log line."""
    match defect:
        case str(text) | {"message": str(text)}:
            return text[:_MAX_REASON]
        case _:
            return dumps(defect)[:_MAX_REASON]
