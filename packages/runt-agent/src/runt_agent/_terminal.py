r"""Terminal text on its way into the log: overwritten progress bars, long pieces.

A notebook's log is for ever, so a line that a carriage return has already overwritten
is not worth an event: `\r10%\r20%\r30%` shows the same as `\r30%`. Progress bars also
colour their text and erase their line; every other control sequence stays where it is.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence

# Source: ECMA-48, 8.3.117 (select graphic rendition) and 8.3.41 (erase in line).
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_RESET = re.compile(r"\x1b\[0*m")
_ERASE = re.compile(r"\x1b\[[02]?K")
"""From a column that the segment has reached, so nothing older is left of the line."""


def fold_overwritten(text: str) -> str:
    r"""Leave out what later text of the same line overwrites.

    Args:
        text: Consecutive terminal text; it may begin in the middle of a line, so what
            stands before its first `\r` is kept unless the line is erased.

    Returns:
        A text that a terminal shows in the same way.
    """
    if "\r" not in text:
        return text
    return "\n".join(_fold_line(line) for line in text.split("\n"))


def split_text(text: str, max_chars: int) -> Iterator[str]:
    """Cut a text into pieces of at most `max_chars` code points, none of them empty."""
    for start in range(0, len(text), max_chars):
        yield text[start : start + max_chars]


def _fold_line(line: str) -> str:
    segments = line.split("\r")
    kept: list[str] = []
    colours = ""
    for segment, is_seen in zip(segments, _are_seen(segments), strict=True):
        if is_seen:
            kept.append(colours + segment)
            colours = ""
        else:
            # What stood there is not seen, but colours last beyond it.
            colours = _since_reset(colours + "".join(_COLOUR.findall(segment)))
            if not kept:
                kept.append("")
    return "\r".join(kept)


def _are_seen(segments: Sequence[str]) -> list[bool]:
    """Tell of each part between carriage returns whether later ones leave it to see."""
    seen: list[bool] = []
    covered: float = 0  # columns, by the segments behind
    last = len(segments) - 1
    for index, segment in reversed(list(enumerate(segments))):
        columns = _columns(_COLOUR.sub("", _ERASE.sub("", segment)))
        reach: float | None = columns
        if columns is not None and (index == 0 or _ERASE.search(segment)):
            # Nobody knows where the first one begins; an erasure goes to the end.
            reach = math.inf
        if segment:
            is_needless = reach is not None and 0 < covered >= reach
        else:
            is_needless = 0 < index < last  # a second carriage return does nothing
        seen.append(not is_needless)
        if not is_needless:
            # A control sequence may move or erase: what stands before it must stay.
            covered = 0 if reach is None else max(covered, reach)
    return seen[::-1]


def _since_reset(colours: str) -> str:
    """Drop colours that a later reset has ended."""
    resets = list(_RESET.finditer(colours))
    return colours[resets[-1].start() :] if resets else colours


def _columns(segment: str) -> int | None:
    """Count the columns that a segment fills; None if it holds control characters."""
    if segment.isascii() and segment.isprintable():
        return len(segment)
    columns = 0
    for char in segment:
        if unicodedata.category(char).startswith("C"):
            return None
        if unicodedata.combining(char):
            continue
        columns += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return columns
