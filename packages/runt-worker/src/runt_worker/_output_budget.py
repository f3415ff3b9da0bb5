"""How much a cell may show: counted here, cut at the limit, and said once."""

from collections.abc import Callable

import msgspec

from runt_worker._limits import Limits, size_text
from runt_worker._outputs import ClearOutput, Error, Output, Stream, UpdateDisplayData

_MESSAGE_BYTES = 256
"""What a message without text costs besides its content, wherever it is kept."""

_encode = msgspec.json.Encoder().encode


class OutputBudget:
    """Stands between a cell and whoever is shown its outputs.

    What is over the limit is counted and dropped, and the cell goes on: to fail it
    would cost the user more than the rest of a text that nobody reads. A cell's last
    error is kept, since it says how the cell ended.
    """

    def __init__(self, show: Callable[[Output], None], limits: Limits) -> None:
        """Start with everything left.

        Args:
            show: takes what is within the limits.
            limits: `max_output_bytes` and `max_outputs` apply.
        """
        self._show = show
        self._limits = limits
        self._bytes_left = limits.max_output_bytes
        self._outputs = 0
        self._stream: str | None = None
        self._dropped_bytes = 0
        self._last_error: Error | None = None
        self._is_spent = False

    def show(self, output: Output) -> None:
        """Hand an output on, or what is left of the limits for it."""
        self._count(output)
        size = self._size_of(output)
        if self._is_spent:
            self._drop(output, size)
        elif (most := self._limits.max_outputs) is not None and self._outputs > most:
            self._spend(f"more than {most:,} outputs")
            self._drop(output, size)
        elif self._bytes_left is None or size <= self._bytes_left:
            self._take(output, size)
        else:
            self._cut(output, size, self._bytes_left)

    def close(self) -> None:
        """Say how much was left out; the cell has ended."""
        if self._is_spent:
            self._notice(f"{self._dropped_bytes:,} bytes of output were left out")
        if self._last_error is not None:
            self._show(self._last_error)

    def _take(self, output: Output, size: int) -> None:
        if self._bytes_left is not None:
            self._bytes_left -= size
        self._show(output)

    def _cut(self, output: Output, size: int, left: int) -> None:
        if isinstance(output, Stream):
            # Nothing of a text is lost up to the limit, down to the last character.
            head = output.text.encode()[:left].decode(errors="ignore")
            self._show(Stream(name=output.name, text=head))
            size -= len(head.encode())
        allowed = size_text(self._limits.max_output_bytes or 0)
        self._spend(f"more than {allowed} (--max-output)")
        self._drop(output, size)

    def _spend(self, what: str) -> None:
        self._is_spent = True
        self._notice(
            f"this cell has written {what}; what follows is counted, not shown"
        )

    def _drop(self, output: Output, size: int) -> None:
        self._dropped_bytes += size
        if isinstance(output, Error):
            self._last_error = output

    def _notice(self, text: str) -> None:
        self._show(Stream(name="stderr", text=f"\n[{text}]\n"))

    def _count(self, output: Output) -> None:
        """Count what begins a new output in a notebook."""
        stream = output.name if isinstance(output, Stream) else None
        if isinstance(output, ClearOutput):
            self._stream = None
        elif isinstance(output, UpdateDisplayData):
            pass  # it changes outputs that are there
        elif stream is None or stream != self._stream:
            self._outputs += 1
            self._stream = stream

    def _size_of(self, output: Output) -> int:
        if isinstance(output, Stream):
            text = output.text
            return len(text) if text.isascii() else len(text.encode())
        try:
            return len(_encode(output)) + _MESSAGE_BYTES
        except (RecursionError, UnicodeEncodeError):
            return self._limits.max_frame_bytes  # it came in one, so it is no larger
