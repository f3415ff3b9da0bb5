"""Synchronous calls of the guest, answered by a thread of their own.

The guest thread blocks until its answer comes. A plain thread serves it, so that a slow
network or disk keeps neither trio nor the relaying of output waiting.
"""

import contextlib
import os
import select
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, NamedTuple

import msgspec

from runt_worker._errors import GuestProtocolError
from runt_worker._frames import Frame, FrameDecoder, encode_frame

_CHUNK_BYTES = 64 * 1024
_MAX_CALL_BYTES = 16 * 1024 * 1024
"""Size of one call. No call of ours is larger than a large write to a file."""


CallId = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
"""The bound keeps an answer that says nothing but its id shorter than PIPE_BUF."""


_NO_ANSWER = 0
"""The id of a call whose caller does not wait."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call: an id that its answer repeats, what is asked, and of what."""

    id: CallId
    method: str
    parameters: dict[str, Any]
    tail: bytes = b""


class Answer(NamedTuple):
    """What answers a call: a JSON object, and bytes beside it."""

    head: dict[str, Any]
    tail: bytes = b""


Handler = Callable[[Call], Answer]
"""Blocks until it has the answer; what it raises is the supervisor's own failure."""


def dispatch(handlers: Mapping[str, Handler]) -> Handler:
    """Return a handler that leaves each method to its own."""

    def handle(call: Call) -> Answer:
        handler = handlers.get(call.method)
        return handler(call) if handler else Answer({"code": "ENOSYS"})

    return handle


class CallServer:
    """Serves one sandbox process.

    Args:
        request_path: FIFO that the guest writes to.
        reply_path: FIFO that it reads from.
        handler: answers one call after the other.
        on_interrupt: told that nobody waits any more for what is under way.
    """

    def __init__(
        self,
        request_path: Path,
        reply_path: Path,
        handler: Handler,
        on_interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_interrupt = on_interrupt
        # For both directions: opening does not wait for the guest.
        self._requests = os.open(request_path, os.O_RDWR | os.O_NONBLOCK)
        self._replies = os.open(reply_path, os.O_RDWR | os.O_NONBLOCK)
        self._stop_receiver, self._stop_sender = os.pipe()
        self._handler = handler
        self._answering = Lock()
        self._stopping = Lock()
        self._is_serving = False
        self._is_closed = False
        self._under_way: int | None = None

    def serve(self) -> None:
        """Answer calls until `stop`. Runs in a thread of its own.

        Raises:
            GuestProtocolError: the guest sent what is no call.
        """
        with self._stopping:
            if self._is_closed:
                return
            self._is_serving = True
        decoder = FrameDecoder(_MAX_CALL_BYTES)
        try:
            while self._wait_for_request():
                for frame in decoder.receive_data(
                    os.read(self._requests, _CHUNK_BYTES)
                ):
                    self._serve_one(_decode(frame))
        finally:
            self._close()

    def interrupt(self) -> None:
        """Answer the call under way with EINTR; its late answer is dropped.

        Never waits, whatever the guest does: while an answer is being written there is
        nothing to interrupt, and a guest that leaves no room for this one is not told.
        """
        if self._answering.acquire(blocking=False):
            try:
                if self._under_way is not None:
                    # Shorter than PIPE_BUF, so it is written whole or not at all.
                    with contextlib.suppress(BlockingIOError):
                        os.write(self._replies, _interrupted(self._under_way))
                        self._under_way = None
                        self._on_interrupt()
            finally:
                self._answering.release()

    def stop(self) -> None:
        """Let `serve` return as soon as the call under way is answered."""
        with self._stopping:
            if self._is_serving and not self._is_closed:
                os.write(self._stop_sender, b"\0")
                return
        self._close()

    def _wait_for_request(self) -> bool:
        ready, _, _ = select.select([self._requests, self._stop_receiver], [], [])
        return self._stop_receiver not in ready

    def _wait_for_room(self) -> bool:
        ready, _, _ = select.select([self._stop_receiver], [self._replies], [])
        return not ready

    def _serve_one(self, call: Call) -> None:
        if call.id == _NO_ANSWER:
            self._handler(call)
            return
        with self._answering:
            self._under_way = call.id
        answer = self._handler(call)
        with self._answering:
            if self._under_way == call.id:
                self._reply(call.id, answer)

    def _reply(self, call_id: int, answer: Answer) -> None:
        self._under_way = None
        view = memoryview(_encode(call_id, answer))
        while view:
            try:
                view = view[os.write(self._replies, view) :]
            except BlockingIOError:
                # A guest that does not read must not hold this thread beyond `stop`.
                if not self._wait_for_room():
                    return

    def _close(self) -> None:
        with self._answering, self._stopping:
            if self._is_closed:
                return
            self._under_way = None
            self._is_closed = True
            for descriptor in (
                self._requests,
                self._replies,
                self._stop_receiver,
                self._stop_sender,
            ):
                os.close(descriptor)


def _encode(call_id: int, answer: Answer) -> bytes:
    head = msgspec.json.encode({"id": call_id, **answer.head})
    return encode_frame(head, answer.tail)


def _interrupted(call_id: int) -> bytes:
    return _encode(call_id, Answer({"code": "EINTR"}))


def _decode(frame: Frame) -> Call:
    try:
        call = msgspec.json.decode(frame.head, type=Call)
        return msgspec.structs.replace(call, tail=frame.tail) if frame.tail else call
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GuestProtocolError(
            f"the sandbox made a call that is none of ours: {error}"
        ) from None
