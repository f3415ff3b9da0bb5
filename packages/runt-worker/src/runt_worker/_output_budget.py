"""How much a cell may show, and how fast: counted here, and said once."""

from collections.abc import Callable

import msgspec

from runt_worker._limits import Limits, size_text
from runt_worker._output_rate import OutputRate
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
            limits: those of output apply.
        """
        self._show = show
        self._limits = limits
        self._bytes_left = limits.max_output_bytes
        self._outputs = 0
        self._stream: str | None = None
        self._dropped_bytes = 0
        self._last_error: Error | None = None
        self._is_spent = False
        self._is_held_back = False
        self._bytes_rate = _rate(limits.max_output_rate, limits)
        self._outputs_rate = _rate(limits.max_outputs_rate, limits)

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

    def pause_s(self, now: float) -> float:
        """Return how long nothing more should be taken from the cell.

        Args:
            now: the time, in seconds of any steady clock.
        """
        rates = (self._bytes_rate, self._outputs_rate)
        pause_s = max((rate.pause_s(now) for rate in rates if rate), default=0.0)
        if self._is_spent:  # what is not shown keeps nobody busy
            return 0.0
        if pause_s > 0 and not self._is_held_back:
            self._is_held_back = True
            self._notice("this cell writes faster than it may, and is slowed down")
        return pause_s

    def close(self) -> None:
        """Say how much was left out; the cell has ended."""
        if self._is_spent:
            self._notice(f"{self._dropped_bytes:,} bytes of output were left out")
        if self._last_error is not None:
            self._show(self._last_error)

    def _take(self, output: Output, size: int) -> None:
        if self._bytes_left is not None:
            self._bytes_left -= size
        if self._bytes_rate:
            self._bytes_rate.add(size)
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
            if self._outputs_rate:
                self._outputs_rate.add(1)

    def _size_of(self, output: Output) -> int:
        if isinstance(output, Stream):
            text = output.text
            return len(text) if text.isascii() else len(text.encode())
        try:
            return len(_encode(output)) + _MESSAGE_BYTES
        except (RecursionError, UnicodeEncodeError):
            return self._limits.max_frame_bytes  # it came in one, so it is no larger


def _rate(per_second: int | None, limits: Limits) -> OutputRate | None:
    if per_second is None:
        return None
    return OutputRate(per_second, per_second * limits.output_burst_s)
