"""``sys.stdout`` and ``sys.stderr``: gathered here, sent in few messages.

Python's own TextIOWrapper is the fastest thing to print into. Those of both streams
fill one outbox, in the order of what was written; it sends when enough has come
together. What is less is sent by a signal every 50 ms (``interrupts.ts``), at the end
of a cell and before every other output.
"""

import io
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Literal

StreamName = Literal["stdout", "stderr"]
SendText = Callable[[StreamName, bytes], None]

_SEND_BYTES = 64 * 1024
"""So much output is sent without waiting for the next flush."""

_PIECE_BYTES = 4 * 1024 * 1024
"""Size of one message: a single print can be larger than a frame may be."""

_CONTINUATION = 0b10
"""First bits of a byte of UTF-8 that begins no character."""

_LONGER = (0b1100_0000, 0b1110_0000, 0b1111_0000)
"""First bytes from which on a character has 2, 3 and 4 bytes (RFC 3629, section 3)."""


class Streams:
    """Both streams.

    Attributes:
        out: standard output, whose ``flush`` is cheap: the text shows within a tick.
        err: standard error.
    """

    def __init__(self, send: SendText) -> None:
        self._outbox = _Outbox(send)
        self.out = _Stream("stdout", self._outbox)
        self.err = _ErrorStream(self.out, self._outbox)

    def show(self) -> None:
        """Send now what was written so far."""
        self.out.flush()
        self.err.flush()
        self._outbox.send()

    def end(self) -> None:
        """Send everything, also the beginning of a character that nothing followed."""
        self.show()
        self._outbox.end()

    def drop(self) -> None:
        """Forget what was written so far."""
        self.out.flush()
        self.err.flush()
        self._outbox.drop()


class _Outbox:
    """Text of both streams, whole characters at a time."""

    def __init__(self, send: SendText) -> None:
        self._send = send
        self._chunks: list[tuple[StreamName, bytes]] = []
        self._torn: dict[StreamName, bytes] = {}
        self._size = 0

    def add(self, name: StreamName, data: bytes) -> None:
        # A list, because appending is one instruction: the flushing signal cannot
        # come between.
        self._chunks.append((name, data))
        self._size += len(data)
        if self._size >= _SEND_BYTES:
            self.send()

    def drop(self) -> None:
        self._take()
        self._torn = {}

    def _take(self) -> list[tuple[StreamName, bytes]]:
        chunks, self._chunks = self._chunks, []
        self._size = 0
        return chunks

    def send(self) -> None:
        chunks = self._take()
        for name, group in groupby(chunks, itemgetter(0)):
            text = self._torn.pop(name, b"") + b"".join(data for _, data in group)
            if torn := _torn_bytes(text):
                self._torn[name] = text[-torn:]
                text = text[:-torn]
            for piece in _pieces(text):
                self._send(name, piece)

    def end(self) -> None:
        torn, self._torn = self._torn, {}
        for name, data in torn.items():
            self._send(name, data)


class _Sink(io.BufferedIOBase):
    """The binary file below a text stream."""

    def __init__(self, name: StreamName, outbox: _Outbox) -> None:
        self._name: StreamName = name
        self._outbox = outbox

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._outbox.add(self._name, bytes(data))
        return len(data)

    def fileno(self) -> int:
        return {"stdout": 1, "stderr": 2}[self._name]


class _Stream(io.TextIOWrapper):
    """A text stream that outlives whatever a cell does to it."""

    def __init__(self, name: StreamName, outbox: _Outbox) -> None:
        sink = _Sink(name, outbox)
        super().__init__(
            sink, encoding="utf-8", errors="backslashreplace", newline="\n"
        )

    def close(self) -> None:
        """Stay open: later cells print here too."""

    def detach(self) -> io.BufferedIOBase:
        """Refuse, for the same reason."""
        raise io.UnsupportedOperation("the notebook's streams cannot be detached")


class _ErrorStream(_Stream):
    """Standard error: keeps its place among what is written to standard output."""

    def __init__(self, out: _Stream, outbox: _Outbox) -> None:
        super().__init__("stderr", outbox)
        self._out = out

    def write(self, text: str) -> int:
        self._out.flush()
        written = super().write(text)
        self.flush()
        return written


def _pieces(text: bytes) -> Iterator[bytes]:
    """Cut UTF-8 into messages, between characters."""
    start = 0
    while start < len(text):
        piece = text[start : start + _PIECE_BYTES]
        if start + _PIECE_BYTES < len(text):
            piece = piece[: len(piece) - _torn_bytes(piece)]
        yield piece
        start += len(piece)


def _torn_bytes(text: bytes) -> int:
    """Return how many bytes at the end begin a character that is not whole."""
    for count, byte in enumerate(reversed(text[-len(_LONGER) :]), start=1):
        if byte >> 6 != _CONTINUATION:
            whole = 1 + sum(byte >= first for first in _LONGER)
            return count if whole > count else 0
    return 0
