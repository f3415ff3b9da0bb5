r"""Terminal text on its way into the log: overwritten progress bars, long pieces.

A notebook's log is for ever, so a line that a carriage return has already overwritten
is not worth an event: `\r10%\r20%\r30%` shows the same as `\r30%`.
"""

import unicodedata
from collections.abc import Iterator


def fold_overwritten(text: str) -> str:
    r"""Leave out what later text of the same line overwrites.

    Args:
        text: Consecutive terminal text; it may begin in the middle of a line, so what
            stands before its first `\r` is always kept.

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
    first, *rest = line.split("\r")
    kept: list[str] = []
    covered = 0
    for segment in reversed(rest):
        columns = _columns(segment)
        if kept and segment and columns is not None and columns <= covered:
            continue
        if not segment and kept and not kept[-1]:
            continue  # a second carriage return does nothing
        kept.append(segment)
        # A control sequence may move or erase: what stands before it must stay.
        covered = 0 if columns is None else max(covered, columns)
    return "\r".join([first, *reversed(kept)])


def _columns(segment: str) -> int | None:
    """Count the columns that a segment fills; None if it holds control characters."""
    columns = 0
    for char in segment:
        if unicodedata.category(char).startswith("C"):
            return None
        if unicodedata.combining(char):
            continue
        columns += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return columns
