"""The messages of `@livestore/sync-cf` 0.4.0 as JSON text frames.

Source: the published packages `@livestore/sync-cf` 0.4.0 and `@effect/rpc` 0.75.1, and
traffic between their client and server (tests/runt-protocol/vectors/ws-v04).

It is Effect RPC over the same WebSocket, one JSON object a frame:

- Client: `Request` (`id`, a decimal number as text; `tag`; `payload`), `Ack` and
  `Interrupt` (`requestId`), `Ping`. Fields for tracing are ignored.
- Server: `Chunk` (`requestId`, `values`: at least one), `Exit` (`requestId`, `exit`:
  Success, or Failure with a tree of causes), `Defect` (all requests fail), `Pong`.
- `SyncWsRpc.Pull` is a stream. Its chunks say in `pageInfo` whether more is to come; a
  live one then goes on with what is pushed, the pusher's own events included. The
  server sends no chunk before the last one is acknowledged, but events that are pushed
  meanwhile overtake what it holds back. A stream that is not live ends with an `Exit`.
- `SyncWsRpc.Push` ends with an `Exit` after, or before, its events have come back.
- Both name the log by its `backendId`, which the server makes up when the log begins.

A request id that is no number makes the real server deaf for good.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Final

from msgspec import UNSET

import runt_protocol._messages as msg

from ._frame_reading import find_text
from ._frames_v04 import read_message
from ._json import dump_text, dumps
from ._wire_events import encode_logged_event, encode_stored_event


class WireV04:
    """The `Wire` of LiveStore 0.4; see there.

    Args:
        store_id: The store that requests name. A server needs none: like the real one
            it goes by the store that the connection was let in to.
        payload: What requests carry beside, as the real client's do; it may be what a
            service goes by. Requests hold it in clear text: keep them out of logs.
    """

    version: ClassVar[str] = "0.4"
    is_streamed: ClassVar[bool] = True

    def __init__(
        self, store_id: str = "", payload: Mapping[str, Any] | None = None
    ) -> None:
        self._origin = f'"storeId":{dump_text(store_id)},'
        if payload is not None:
            self._origin += f'"payload":{dumps(dict(payload))},'

    def decode(self, text: str) -> msg.Message:
        """Read a frame.

        Raises:
            WireError: It is no message.
        """
        return read_message(text)

    def encode(self, message: msg.Message) -> str | None:
        """Write a message."""
        match message:
            case msg.PushReq():
                return self._push(message)
            case msg.PullReq():
                return self._pull(message)
            case msg.PullAck(request_id=request_id):
                return f'{{"_tag":"Ack","requestId":{dump_text(request_id)}}}'
            case msg.StopPull(request_id=request_id):
                return f'{{"_tag":"Interrupt","requestId":{dump_text(request_id)}}}'
            case msg.Ping():
                return '{"_tag":"Ping"}'
            case _:
                return _encode_answer(message)

    def name_request(self, session_id: str, number: int) -> str:  # noqa: ARG002
        """Make the id of a request: no other client gets to see it."""
        return str(number)

    def request_id_of(self, text: str) -> str:
        """Find out whom to answer when a frame cannot be decoded."""
        return find_text(text, "id")

    def _pull(self, pull: msg.PullReq) -> str:
        cursor = None
        if pull.cursor is not UNSET and pull.backend_id is not None:
            cursor = (
                f'{{"backendId":{dump_text(pull.backend_id)},'
                f'"eventSequenceNumber":{pull.cursor}}}'
            )
        live = "true" if pull.live else "false"
        payload = f'{{{self._origin}"live":{live},"cursor":{_option(cursor)}}}'
        return _request(pull.request_id, "SyncWsRpc.Pull", payload)

    def _push(self, push: msg.PushReq) -> str:
        log = None if push.backend_id is None else dump_text(push.backend_id)
        batch = ",".join(map(encode_logged_event, push.batch))
        payload = f'{{{self._origin}"batch":[{batch}],"backendId":{_option(log)}}}'
        return _request(push.request_id, "SyncWsRpc.Push", payload)


def _encode_answer(message: msg.Message) -> str | None:  # noqa: PLR0911 - one for each
    match message:
        case msg.PullRes():
            return _chunk(message)
        case msg.PushAck(request_id=request_id):
            return _exit(request_id, '{"_tag":"Success","value":{}}')
        case msg.PullEnd(request_id=request_id, stopped=stopped):
            return _exit(request_id, _STOPPED if stopped else _ENDED)
        case msg.ErrorRes(request_id="", message=reason) | msg.Failure(message=reason):
            return f'{{"_tag":"Defect","defect":{dump_text(reason)}}}'
        case msg.ErrorRes(request_id=request_id):
            return _exit(request_id, _failure(message))
        case msg.Pong():
            return '{"_tag":"Pong"}'
        case _:  # 0.3 only
            return None


_encode_stored_event: Final = partial(
    encode_stored_event, tag='"_tag":"SyncMessage.SyncMetadata",'
)
_ENDED: Final = '{"_tag":"Success"}'
_STOPPED: Final = (
    '{"_tag":"Failure","cause":{"_tag":"Interrupt","fiberId":{"_tag":"None"}}}'
)


def _request(request_id: str, tag: str, payload: str) -> str:
    return (
        f'{{"_tag":"Request","id":{dump_text(request_id)},"tag":"{tag}",'
        f'"payload":{payload},"headers":[]}}'
    )


def _option(value: str | None) -> str:
    if value is None:
        return '{"_tag":"None"}'
    return f'{{"_tag":"Some","value":{value}}}'


def _exit(request_id: str, outcome: str) -> str:
    return f'{{"_tag":"Exit","requestId":{dump_text(request_id)},"exit":{outcome}}}'


def _chunk(answer: msg.PullRes) -> str:
    batch = ",".join(map(_encode_stored_event, answer.batch))
    page_info = '{"_tag":"NoMore"}'
    if answer.remaining:
        page_info = f'{{"_tag":"MoreKnown","remaining":{answer.remaining}}}'
    return (
        f'{{"_tag":"Chunk","requestId":{dump_text(answer.request_id)},'
        f'"values":[{{"batch":[{batch}],"pageInfo":{page_info},'
        f'"backendId":{dump_text(answer.backend_id or "")}}}]}}'
    )


def _failure(refusal: msg.ErrorRes) -> str:
    match refusal.cause:
        case msg.ServerAhead(head=head, parent=parent):
            error = (
                f'{{"minimumExpectedNum":{head},"providedNum":{parent},'
                f'"_tag":"ServerAheadError"}}'
            )
        case msg.OtherLog(expected=expected, received=received):
            error = (
                f'{{"expected":{dump_text(expected)},"received":{dump_text(received)},'
                f'"_tag":"BackendIdMismatchError"}}'
            )
        case msg.LogTooShort() | None:
            error = (
                f'{{"cause":{{"name":"Error","message":{dump_text(refusal.message)}}},'
                f'"_tag":"UnknownError"}}'
            )
    return f'{{"_tag":"Failure","cause":{{"_tag":"Fail","error":{error}}}}}'
