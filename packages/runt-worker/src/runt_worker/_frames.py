"""Frames on a FIFO: lengths, a JSON head and a binary tail.

u32 length of all that follows, u32 length of the head, the head as UTF-8 JSON, the
tail; integers little-endian. ``deno/frames.ts`` is the other end.
"""

import struct
from typing import NamedTuple

from runt_worker._errors import GuestProtocolError

_LENGTH = struct.Struct("<I")


class Frame(NamedTuple):
    """One message before it is decoded."""

    head: bytes
    tail: bytes


def encode_frame(head: bytes, tail: bytes = b"") -> bytes:
    """Return the bytes of one frame."""
    body_length = _LENGTH.size + len(head) + len(tail)
    return b"".join((_LENGTH.pack(body_length), _LENGTH.pack(len(head)), head, tail))


class FrameDecoder:
    """Turns a stream of untrusted bytes into frames.

    Args:
        max_frame_bytes: a frame that announces more ends the conversation.
    """

    def __init__(self, max_frame_bytes: int) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._buffer = bytearray()

    def receive_data(self, data: bytes) -> list[Frame]:
        """Take bytes, return the frames that they complete.

        Raises:
            GuestProtocolError: a length is out of bounds.
        """
        self._buffer += data
        frames: list[Frame] = []
        at = 0
        while (end := self._end_of_frame(at)) is not None:
            frames.append(self._frame(at + _LENGTH.size, end))
            at = end
        del self._buffer[:at]
        return frames

    def _end_of_frame(self, at: int) -> int | None:
        """Return where the frame that starts here ends, if all of it has come."""
        if len(self._buffer) - at < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer, at)
        if not _LENGTH.size <= length <= self._max_frame_bytes:
            raise GuestProtocolError(
                f"the sandbox sent a frame of {length} bytes; "
                f"allowed are {_LENGTH.size} to {self._max_frame_bytes}"
            )
        end = at + _LENGTH.size + length
        return end if len(self._buffer) >= end else None

    def _frame(self, start: int, end: int) -> Frame:
        (head_length,) = _LENGTH.unpack_from(self._buffer, start)
        head_start = start + _LENGTH.size
        tail_start = head_start + head_length
        if tail_start > end:
            raise GuestProtocolError("the sandbox sent a head longer than its frame")
        return Frame(
            bytes(self._buffer[head_start:tail_start]),
            bytes(self._buffer[tail_start:end]),
        )
