"""``sys.stdout`` and ``sys.stderr``: gathered here, sent in few messages.

Python's own TextIOWrapper is the fastest thing to print into. It fills a sink, which
sends when enough has come together; what is less is flushed by a signal every 50 ms
(``interrupts.ts``), at the end of a cell and before every other output.
"""

import io
from collections.abc import Callable
from typing import Literal

StreamName = Literal["stdout", "stderr"]
SendText = Callable[[StreamName, bytes], None]

_SEND_BYTES = 64 * 1024
"""So much output is sent without waiting for the next flush."""


class _Sink(io.BufferedIOBase):
    """Takes bytes from a TextIOWrapper, whole characters at a time."""

    def __init__(self, name: StreamName, send: SendText) -> None:
        self._name: StreamName = name
        self._send = send
        self._chunks: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        # A list, because appending is one instruction: the flushing signal cannot
        # come between.
        self._chunks.append(bytes(data))
        self._size += len(data)
        if self._size >= _SEND_BYTES:
            self.send()
        return len(data)

    def send(self) -> None:
        """Send what has come together."""
        chunks, self._chunks = self._chunks, []
        self._size = 0
        if chunks:
            self._send(self._name, b"".join(chunks))

    def fileno(self) -> int:
        return {"stdout": 1, "stderr": 2}[self._name]


class OutStream(io.TextIOWrapper):
    """A text stream whose ``flush`` is cheap: the text shows within a tick."""

    def __init__(self, name: StreamName, send: SendText) -> None:
        self._sink = _Sink(name, send)
        super().__init__(
            self._sink, encoding="utf-8", errors="backslashreplace", newline="\n"
        )

    def show(self) -> None:
        """Send now what was written so far."""
        self.flush()
        self._sink.send()


class ErrStream(OutStream):
    """Standard error: keeps its place among what was written to standard output."""

    def __init__(self, out: OutStream, send: SendText) -> None:
        super().__init__("stderr", send)
        self._out = out

    def write(self, text: str) -> int:
        self._out.show()
        written = super().write(text)
        self.flush()
        return written
