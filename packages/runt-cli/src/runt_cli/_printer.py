"""Shows the outputs of cells in a terminal, or wherever the command's output goes."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

from runt_cli._terminal_text import Overwriting, SafeText, safe_text

_TEXT_TYPES: Final = ("text/plain", "text/markdown", "text/latex")
"""What a terminal can show of a display, the best first."""


class Printer:
    """Prints what cells put out: streams as they come, displays as text."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        """Print to these two.

        Args:
            out: Takes standard output and displays.
            err: Takes standard error, tracebacks and notes.
        """
        self._out = _Channel(out)
        self._err = _Channel(err)

    def stream(self, name: str, text: str) -> None:
        """Print a piece of a stream.

        Args:
            name: `stdout` or `stderr`.
            text: The piece, of any length; it need not end with a line.
        """
        (self._err if name == "stderr" else self._out).write(text)

    def bundle(self, data: Mapping[str, Any], *, label: str = "") -> None:
        """Print the text of a display or result, or else say what it would be.

        Args:
            data: Values by MIME type, text as str or as a list of lines.
            label: Stands before it; a text of several lines begins below.
        """
        texts = (data[kind] for kind in _TEXT_TYPES if isinstance(data.get(kind), str))
        text = next(texts, f"[{', '.join(data)}]")
        separator = ("\n" if "\n" in text else " ") if label else ""
        self._out.paragraph(f"{label}{separator}{text}")

    def error(self, ename: str, evalue: str, traceback: Sequence[str]) -> None:
        """Print what a cell raised.

        Args:
            ename: The name of the exception's class.
            evalue: Its text.
            traceback: The lines of IPython's traceback; may be empty.
        """
        self._err.paragraph("\n".join(traceback) or f"{ename}: {evalue}")

    def note(self, text: str) -> None:
        """Print a line of the command's own."""
        self._err.paragraph(text)

    def prompt(self, text: str) -> None:
        """Show a text behind which the user types, at the terminal if there is one.

        Args:
            text: The text; it need not end with a space.
        """
        (self._out if self._out.is_terminal else self._err).write(text)

    def line_was_ended(self) -> None:
        """Take note that the user has ended the line at the terminal."""
        for channel in (self._out, self._err):
            channel.line_was_ended()

    def end_cell(self) -> None:
        """End lines that the cell left open."""
        self._out.end_line()
        self._err.end_line()


class _Channel:
    """One text stream; knows whether its line is open and whether it is a terminal."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.is_terminal = file.isatty()
        self._color = file.isatty() and not os.environ.get("NO_COLOR")
        self._overwriting = None if file.isatty() else Overwriting()
        self._safe = SafeText(color=self._color)
        self._line_is_open = False

    def write(self, text: str) -> None:
        safe = self._safe.feed(text)
        self._put(safe if self._overwriting is None else self._overwriting.feed(safe))

    def paragraph(self, text: str) -> None:
        self.end_line()
        self._put(safe_text(text, color=self._color).rstrip("\n") + "\n")

    def end_line(self) -> None:
        self._safe = SafeText(color=self._color)
        if self._overwriting is not None:
            self._put(self._overwriting.finish())
        if self._line_is_open:
            self._put("\n")

    def line_was_ended(self) -> None:
        if self.is_terminal:
            self._line_is_open = False

    def _put(self, text: str) -> None:
        if text:
            # Lone surrogates survive the way here, but no encoding takes them.
            encoding = self._file.encoding or "utf-8"
            self._file.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._file.flush()
            self._line_is_open = not text.endswith("\n")
