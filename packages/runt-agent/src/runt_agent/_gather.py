"""Gathers what a cell writes, so that a busy cell makes few events.

The first message goes at once. What comes within the next interval is held, and while
it is held, later messages can make earlier ones needless: text joins text, an update of
a display replaces the one before, and a clear drops whatever it would clear.
"""

from dataclasses import dataclass, field

from runt_agent._limits import Limits
from runt_worker import ClearOutput, DisplayData, Output, Stream, UpdateDisplayData


@dataclass(slots=True)
class _StreamRun:
    name: str
    parts: list[str] = field(default_factory=list[str])


class Gatherer:
    """Holds the messages of one cell until they are due; knows no clock of its own."""

    def __init__(self, limits: Limits) -> None:
        """Start with nothing held.

        Args:
            limits: Its intervals apply.
        """
        self._limits = limits
        self._held: list[_StreamRun | Output] = []
        self._batches = 0
        self._last_batch_at = float("-inf")

    def receive(self, message: Output) -> None:
        """Take a message, and drop what it makes needless."""
        match message:
            case Stream():
                self._join(message)
            case UpdateDisplayData(display_id=display_id):
                self._held = [m for m in self._held if not _updates(m, display_id)]
                self._held.append(message)
            case ClearOutput():
                self._clear(message)
            case _:
                self._held.append(message)

    def next_batch_at(self) -> float:
        """Tell from when on `take` may be called; a time that has passed means now."""
        slow = self._batches >= self._limits.slow_output_after
        interval_s = (
            self._limits.slow_output_interval_s
            if slow
            else self._limits.output_interval_s
        )
        return self._last_batch_at + interval_s

    def take(self, now: float) -> list[Output]:
        """Hand everything over that is held, in order.

        Args:
            now: The time, in seconds of the clock that `next_batch_at` refers to.
        """
        held, self._held = self._held, []
        if held:
            self._batches += 1
            self._last_batch_at = now
        return [
            Stream(name=m.name, text="".join(m.parts))  # pyright: ignore[reportArgumentType] - it came from a Stream
            if isinstance(m, _StreamRun)
            else m
            for m in held
        ]

    def _join(self, message: Stream) -> None:
        last = self._held[-1] if self._held else None
        if not isinstance(last, _StreamRun) or last.name != message.name:
            last = _StreamRun(message.name)
            self._held.append(last)
        last.parts.append(message.text)

    def _clear(self, message: ClearOutput) -> None:
        kept: list[_StreamRun | Output] = []
        wait = message.wait
        for held in self._held:
            match held:
                case ClearOutput():
                    wait = wait and held.wait
                case UpdateDisplayData():
                    kept.append(held)
                case DisplayData(display_id=str(display_id)):
                    # It is cleared here, but other cells may show the same display.
                    kept.append(
                        UpdateDisplayData(
                            data=held.data,
                            metadata=held.metadata,
                            display_id=display_id,
                        )
                    )
                case _:
                    pass
        self._held = [*kept, ClearOutput(wait=wait)]


def _updates(message: _StreamRun | Output, display_id: str) -> bool:
    return isinstance(message, UpdateDisplayData) and message.display_id == display_id
