"""What of a cell's text may reach a terminal.

A cell's output is written by whoever wrote the cell, or the library it imported. Shown
unfiltered it could rename the window, fill the clipboard, or paint over what the reader
saw before. Colours pass; every other escape sequence and control character is dropped.

Source: ECMA-48, sections 5.4 (control sequences) and 5.6 (control strings).
"""

import re
from typing import Final

_COLOR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_SEQUENCE: Final = re.compile(
    r"""
      \x1b\[ [0-?]* [ -/]* [@-~]                   # control sequence
    | \x1b[\]PX^_] [^\x07\x1b]* (?:\x07|\x1b\\)    # control string: titles, clipboard
    | \x1b [ -/]* [0-~]                            # all shorter ones
    """,
    re.VERBOSE,
)
_STRAY_ESCAPE: Final = re.compile(r"\x1b(?!\[[0-9;:]*m)")
_UNFINISHED: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z"
)
_KEPT_CONTROLS: Final = frozenset("\t\n\r\b\x1b")
# C0 and DEL; C1, which some terminals take for escape sequences of one character.
_DROPPED: Final = dict.fromkeys(
    code
    for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))
    if chr(code) not in _KEPT_CONTROLS
)
_MAX_HELD_CHARS: Final = 4096
"""An unfinished sequence longer than this is no sequence, only text that begins so."""


class SafeText:
    """Makes pieces of a stream safe to print; a sequence may be cut between pieces."""

    def __init__(self, *, color: bool) -> None:
        """Begin a stream.

        Args:
            color: Whether colours pass.
        """
        self._color = color
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece and give what can be printed by now."""
        text = self._held + text
        unfinished = _UNFINISHED.search(text)
        end = len(text) if unfinished is None else unfinished.start()
        if len(text) - end > _MAX_HELD_CHARS:
            end = len(text)
        self._held = text[end:]
        safe = _SEQUENCE.sub(self._replacement, text[:end]).translate(_DROPPED)
        return _STRAY_ESCAPE.sub("", safe)

    def _replacement(self, match: re.Match[str]) -> str:
        sequence = match.group()
        return sequence if self._color and _COLOR.fullmatch(sequence) else ""


def safe_text(text: str, *, color: bool) -> str:
    """Make a whole text safe to print.

    Args:
        text: The text; a sequence that it leaves unfinished is dropped.
        color: Whether colours pass.
    """
    return SafeText(color=color).feed(text)


class Overwriting:
    """Plays carriage returns where no terminal does it: in a pipe or a file.

    A progress bar writes its line a hundred times over; only the last state is worth
    a line in a log. So a line is given out when it has ended.
    """

    def __init__(self) -> None:
        """Begin a stream."""
        self._line = ""

    def feed(self, text: str) -> str:
        """Take the next piece and give the lines that have ended."""
        *ended, self._line = (self._line + text).split("\n")
        self._line = _last_state(self._line, ended=False)
        return "".join(_last_state(line, ended=True) + "\n" for line in ended)

    def finish(self) -> str:
        """Give the line that has not ended, and begin anew."""
        line, self._line = self._line, ""
        return _last_state(line, ended=True)


def _last_state(line: str, *, ended: bool) -> str:
    """Keep of a line what its last carriage return has left to see."""
    # A return at the end overwrites nothing yet: what follows would.
    stem = line.rstrip("\r")
    last = stem.rpartition("\r")[2]
    return last if ended else last + line[len(stem) :]
