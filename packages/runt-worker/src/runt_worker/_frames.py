"""Frames on a FIFO: lengths, a JSON head and a binary tail.

u32 length of all that follows, u32 length of the head, the head as UTF-8 JSON, the
tail; integers little-endian. ``deno/frames.ts`` is the other end.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from runt_worker._errors import GuestProtocolError

_LENGTH = struct.Struct("<I")
_LENGTHS = struct.Struct("<II")


class Frame(NamedTuple):
    """One message before it is decoded."""

    head: bytes
    tail: bytes


def encode_frame(head: bytes, tail: bytes = b"") -> bytes:
    """Return the bytes of one frame."""
    return b"".join((encode_head(head, len(tail)), tail))


def encode_head(head: bytes, tail_length: int) -> bytes:
    """Return the bytes of one frame, but for a tail of so many bytes."""
    body_length = _LENGTH.size + len(head) + tail_length
    return _LENGTHS.pack(body_length, len(head)) + head


def unfinished(after_s: float) -> GuestProtocolError:
    """Return the error for a frame whose rest does not come."""
    return GuestProtocolError(
        f"the sandbox began a frame and sent nothing more of it for {after_s:g} s"
    )


class FrameDecoder:
    """Turns a stream of untrusted bytes into frames.

    Args:
        max_frame_bytes: a frame that announces more ends the conversation.
    """

    def __init__(self, max_frame_bytes: int) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._buffer = bytearray()
        self._large = bytearray()

    def receive_data(self, data: bytes) -> list[Frame]:
        """Take bytes, return the frames that they complete.

        Raises:
            GuestProtocolError: a length is out of bounds.
        """
        if self._buffer:
            self._buffer += data
            frames, end = self._frames(self._buffer)
            del self._buffer[:end]
        else:
            frames, end = self._frames(data)
            self._buffer += data[end:]
        return frames

    @property
    def has_begun(self) -> bool:
        """Whether a part of a frame has come, and the rest of it has not."""
        return bool(self._buffer)

    def missing(self) -> int:
        """Return how many bytes the frame that has begun still lacks, if that is known.

        It is 0 if none has begun.
        """
        if len(self._buffer) < _LENGTH.size:
            return 0
        (length,) = _LENGTH.unpack_from(self._buffer)
        return _LENGTH.size + length - len(self._buffer)

    def receive_rest(
        self, read_into: Callable[[memoryview], int]
    ) -> tuple[bytes, memoryview]:
        """Read what a frame that has begun still lacks, straight to its place.

        For large frames: the tail is not copied once more, and is valid until the next
        frame is received this way.

        Args:
            read_into: fills a part of what it is given and returns how much that was.

        Returns:
            The frame's head and its tail.

        Raises:
            GuestProtocolError: its head is longer than itself.
        """
        have, end = len(self._buffer), len(self._buffer) + self.missing()
        if len(self._large) < end:
            self._large = bytearray(end)
        view = memoryview(self._large)[:end]
        view[:have] = self._buffer
        self._buffer.clear()
        while have < end:
            have += read_into(view[have:])
        head_start, tail_start = _head_of(view, _LENGTH.size, end)
        return bytes(view[head_start:tail_start]), view[tail_start:]

    def _frames(self, data: bytes | bytearray) -> tuple[list[Frame], int]:
        frames: list[Frame] = []
        at = 0
        while (end := self._end_of_frame(data, at)) is not None:
            frames.append(_frame(data, at + _LENGTH.size, end))
            at = end
        return frames, at

    def _end_of_frame(self, data: bytes | bytearray, at: int) -> int | None:
        """Return where the frame that starts here ends, if all of it has come."""
        if len(data) - at < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(data, at)
        if not _LENGTH.size <= length <= self._max_frame_bytes:
            raise GuestProtocolError(
                f"the sandbox sent a frame of {length} bytes; "
                f"allowed are {_LENGTH.size} to {self._max_frame_bytes}"
            )
        end = at + _LENGTH.size + length
        return end if len(data) >= end else None


def _frame(data: bytes | bytearray, start: int, end: int) -> Frame:
    view = memoryview(data)  # a slice of a bytearray would be copied twice
    head_start, tail_start = _head_of(view, start, end)
    return Frame(bytes(view[head_start:tail_start]), bytes(view[tail_start:end]))


def _head_of(view: memoryview, start: int, end: int) -> tuple[int, int]:
    """Return where the head of a frame starts, and where its tail."""
    (head_length,) = _LENGTH.unpack_from(view, start)
    head_start = start + _LENGTH.size
    tail_start = head_start + head_length
    if tail_start > end:
        raise GuestProtocolError("the sandbox sent a head longer than its frame")
    return head_start, tail_start
