"""What happened in a simulation: the last of it as text, all of it as one number."""

import zlib
from collections import deque
from typing import Final

import trio

_KEPT: Final = 400
_LONGEST_LINE: Final = 220


class Violation(AssertionError):  # noqa: N818 - the word that invariants are spoken of with
    """An invariant does not hold."""


class Trace:
    """Notes of a simulation, in order.

    Attributes:
        digest: A checksum over every note; two runs of one seed have the same.
        count: How many notes there were.
    """

    def __init__(self) -> None:
        self.digest = 0
        self.count = 0
        self._last: deque[tuple[float, str, str]] = deque(maxlen=_KEPT)

    def note(self, who: str, what: str) -> None:
        """Add a note."""
        now = trio.current_time()
        self.digest = zlib.crc32(f"{now:.6f} {who} {what}".encode(), self.digest)
        self.count += 1
        self._last.append((now, who, what))

    def text(self, lines: int = 60) -> str:
        """Give the last notes, one a line."""
        return "\n".join(
            f"{now:9.3f}  {who:<10} {what}"[:_LONGEST_LINE]
            for now, who, what in list(self._last)[-lines:]
        )
