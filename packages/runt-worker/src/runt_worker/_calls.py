"""Synchronous calls of the guest, answered by a thread of their own.

The guest thread blocks until its answer comes. A plain thread serves it, so that a slow
network or disk keeps neither trio nor the relaying of output waiting.
"""

import contextlib
import functools
import os
import select
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from runt_worker._errors import GuestProtocolError
from runt_worker._frames import FrameDecoder, encode_head, unfinished
from runt_worker._limits import DEFAULT_LIMITS
from runt_worker._pages import PagePipe, enlarge

_CHUNK_BYTES = 64 * 1024
_MAX_CALL_BYTES = 16 * 1024 * 1024
"""Size of one call. No call of ours is larger than a large write to a file."""


_LARGE_BYTES = 64 * 1024
"""From here on what a call lacks is read straight to its place."""

_SPIN_S = 30e-6
"""So long the next call is looked for before the thread sleeps.

Calls come in bursts. To wake a thread on an idle processor takes about that long, more
than most answers, so what is lost by looking is never more than sleeping may cost.
"""

CallId = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
"""The bound keeps an answer that says nothing but its id shorter than PIPE_BUF."""


_NO_ANSWER = 0
"""The id of a call whose caller does not wait."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call: an id that its answer repeats, what is asked, and of what."""

    id: CallId
    method: str
    parameters: msgspec.Raw
    tail: memoryview = memoryview(b"")


class Answer(NamedTuple):
    """What answers a call.

    Attributes:
        head: a JSON object.
        tail: bytes beside it.
        pages: bytes before these, which wait in a pipe.
        undo: called if the answer reaches nobody, because the call was interrupted.
    """

    head: dict[str, Any]
    tail: bytes = b""
    pages: PagePipe | None = None
    undo: Callable[[], None] | None = None


Handler = Callable[[Call], Answer]
"""Blocks until it has the answer; what it raises is the supervisor's own failure."""


ParametersT = TypeVar("ParametersT", bound=msgspec.Struct)
ReceivedT = TypeVar("ReceivedT", bytes, int)


def parse_parameters(call: Call, kind: type[ParametersT]) -> ParametersT:
    """Return the parameters of a call as exact types.

    Raises:
        msgspec.ValidationError: they are none of that kind.
    """
    try:
        return _decoder(kind).decode(call.parameters)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise msgspec.ValidationError(str(error)) from None


@functools.cache
def _decoder(kind: type[ParametersT]) -> msgspec.json.Decoder[ParametersT]:
    return msgspec.json.Decoder(kind)


def dispatch(handlers: Mapping[str, Handler]) -> Handler:
    """Return a handler that leaves each method to its own."""

    def handle(call: Call) -> Answer:
        handler = handlers.get(call.method)
        return handler(call) if handler else Answer({"code": "ENOSYS"})

    return handle


class _StoppedError(Exception):
    """The guest is not served any more."""


class CallServer:
    """Serves one sandbox process.

    Args:
        request_path: FIFO that the guest writes to.
        reply_path: FIFO that it reads from.
        handler: answers one call after the other.
        on_interrupt: told that nobody waits any more for what is under way.
        on_end: called once, when it answers no more.
        frame_timeout_s: how long a call may stand still that has come in part.
    """

    def __init__(  # noqa: PLR0913 - the rest has defaults
        self,
        request_path: Path,
        reply_path: Path,
        handler: Handler,
        on_interrupt: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
        *,
        frame_timeout_s: float = DEFAULT_LIMITS.frame_timeout_s,
    ) -> None:
        self._on_interrupt = on_interrupt
        self._requests = os.open(request_path, os.O_RDONLY | os.O_NONBLOCK)
        # As long as there is a writer there is no end of file.
        self._guest_to_come: int | None = os.open(
            request_path, os.O_WRONLY | os.O_NONBLOCK
        )
        # For both directions: opening does not wait for the guest.
        self._replies = os.open(reply_path, os.O_RDWR | os.O_NONBLOCK)
        enlarge(self._requests)
        enlarge(self._replies)
        self._stop_receiver, self._stop_sender = os.pipe()
        self._handler = handler
        self._on_end = on_end
        self._frame_timeout_s = frame_timeout_s
        self._spin_s = _SPIN_S if _has_processors_to_spare() else 0.0
        self._answering = Lock()
        self._stopping = Lock()
        self._is_serving = False
        self._is_closed = False
        self._under_way: int | None = None

    def serve(self) -> None:
        """Answer calls until `stop`, or until the guest is gone.

        Runs in a thread of its own.

        Raises:
            GuestProtocolError: the guest sent what is no call.
        """
        with self._stopping:
            if self._is_closed:
                return
            self._is_serving = True
        decoder = FrameDecoder(_MAX_CALL_BYTES)
        try:
            while True:
                data = self._receive(has_begun=decoder.has_begun)
                for frame in decoder.receive_data(data):
                    self._serve_one(decode_call(frame.head, memoryview(frame.tail)))
                if decoder.missing() >= _LARGE_BYTES:
                    large = decoder.receive_rest(self._read_into)
                    self._serve_one(decode_call(*large))
        except _StoppedError:
            pass
        finally:
            self._close()

    def guest_has_come(self) -> None:
        """Take the end of file for the end of the guest, now that it has its FIFOs."""
        with self._stopping:
            if self._guest_to_come is not None:
                os.close(self._guest_to_come)
                self._guest_to_come = None

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

    def _receive(self, *, has_begun: bool) -> bytes:
        """Return some bytes of the next calls.

        Args:
            has_begun: whether they go on with a call that has come in part.

        Raises:
            _StoppedError: there will be none.
            GuestProtocolError: the rest of a call does not come.
        """
        deadline = time.perf_counter() + self._spin_s
        while True:
            try:
                return self._some(os.read(self._requests, _CHUNK_BYTES))
            except BlockingIOError:
                if time.perf_counter() < deadline:
                    continue
            self._wait_for_request(has_begun=has_begun)

    def _read_into(self, place: memoryview) -> int:
        while True:
            try:
                return self._some(os.readv(self._requests, [place]))
            except BlockingIOError:
                self._wait_for_request(has_begun=True)

    def _some(self, received: ReceivedT) -> ReceivedT:
        if not received:  # end of file: the guest's thread has closed what it had
            raise _StoppedError
        return received

    def _wait_for_request(self, *, has_begun: bool) -> None:
        patience_s = self._frame_timeout_s if has_begun else None
        ready = self._wait(self._requests, select.POLLIN, patience_s)
        if self._stop_receiver in ready:
            raise _StoppedError
        if not ready:
            raise unfinished(self._frame_timeout_s)

    def _wait_for_room(self) -> bool:
        """Wait for room in a FIFO; tell whether the guest is still to be served."""
        return self._stop_receiver not in self._wait(self._replies, select.POLLOUT)

    def _wait(
        self, descriptor: int, event: int, timeout_s: float | None = None
    ) -> Collection[int]:
        """Wait for a FIFO or for `stop`; return which of their descriptors is ready."""
        poll = select.poll()  # select knows no descriptor from 1024 on
        poll.register(descriptor, event)
        poll.register(self._stop_receiver, select.POLLIN)
        return dict(poll.poll(None if timeout_s is None else timeout_s * 1000)).keys()

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
            elif answer.undo:
                answer.undo()

    def _reply(self, call_id: int, answer: Answer) -> None:
        self._under_way = None
        head = _encode(call_id, answer)
        if answer.pages:
            if self._write(head) and self._move(answer.pages):
                self._write(answer.tail)
        else:
            self._write(head + answer.tail if answer.tail else head)

    def _write(self, data: bytes) -> bool:
        """Write everything; tell whether the guest is still served."""
        written = 0
        while written < len(data):
            try:
                written += os.write(self._replies, memoryview(data)[written:])
            except BlockingIOError:
                # A guest that does not read must not hold this thread beyond `stop`.
                if not self._wait_for_room():
                    return False
        return True

    def _move(self, pages: PagePipe) -> bool:
        """Move everything, as `_write` does."""
        while pages:
            try:
                pages.send(self._replies)
            except BlockingIOError:
                if not self._wait_for_room():
                    return False
        return True

    def _close(self) -> None:
        with self._answering, self._stopping:
            if self._is_closed:
                return
            self._under_way = None
            self._is_closed = True
            if self._guest_to_come is not None:
                os.close(self._guest_to_come)
                self._guest_to_come = None
            for descriptor in (
                self._requests,
                self._replies,
                self._stop_receiver,
                self._stop_sender,
            ):
                os.close(descriptor)
        self._on_end()  # which may take its time: `stop` does not wait for it


def _encode(call_id: int, answer: Answer) -> bytes:
    """Return a frame, but for its tail."""
    head = msgspec.json.encode({"id": call_id, **answer.head})
    pages = 0 if answer.pages is None else len(answer.pages)
    return encode_head(head, pages + len(answer.tail))


def _interrupted(call_id: int) -> bytes:
    return _encode(call_id, Answer({"code": "EINTR"}))


_CALLS = msgspec.json.Decoder(Call)


def decode_call(head: bytes, tail: memoryview) -> Call:
    """Return the call in an untrusted frame.

    Args:
        head: JSON.
        tail: bytes that belong to the call.

    Raises:
        GuestProtocolError: it is no call.
    """
    try:
        call = _CALLS.decode(head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GuestProtocolError(
            f"the sandbox made a call that is none of ours: {error}"
        ) from None
    if not bytes(call.parameters).startswith(b"{"):
        raise GuestProtocolError("the sandbox made a call without parameters")
    return msgspec.structs.replace(call, tail=tail) if tail else call


def _has_processors_to_spare() -> bool:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) > 1
    return (os.cpu_count() or 1) > 1
