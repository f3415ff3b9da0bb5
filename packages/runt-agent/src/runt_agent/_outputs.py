"""The outputs of one execution as events: positions, terminal runs, size limits.

Pure: the worker's messages go in (media already turned into representations, images
already uploaded), events come out in the order in which they must be committed.
Source: protocol.md §4 to §6.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from runt_agent._limits import Limits
from runt_agent._media import fit
from runt_agent._terminal import fold_overwritten, split_text
from runt_protocol import (
    CellOutputsCleared,
    ErrorOutputAdded,
    Event,
    Inline,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    MultimediaResultOutputAdded,
    Representations,
    StreamName,
    TerminalOutputAdded,
    TerminalOutputAppendedV2,
)


class CellOutputs:
    """Numbers and names the outputs of one execution of one cell."""

    def __init__(
        self, *, cell_id: str, id_prefix: str, cleared_by: str, limits: Limits
    ) -> None:
        """Start at position 0.

        Args:
            cell_id: The cell that the outputs belong to.
            id_prefix: What the ids of outputs and deltas begin with; unique for ever,
                because a reused id stops LiveStore's clients.
            cleared_by: Who clears outputs, as events name it.
            limits: Its sizes apply.
        """
        self._cell_id = cell_id
        self._id_prefix = id_prefix
        self._cleared_by = cleared_by
        self._limits = limits
        self._position = 0
        self._ids_given = 0
        self._terminal: _TerminalRun | None = None

    def stream(self, name: StreamName, text: str) -> list[Event]:
        """Add terminal text to the output that it continues, or to a new one.

        Args:
            name: The stream. Text of the other stream, or any other output between,
                begins a new output.
            text: Any text.
        """
        pieces = split_text(fold_overwritten(text), self._limits.max_text_chars)
        return [self._terminal_event(name, piece) for piece in pieces]

    def display(
        self, representations: Representations, display_id: str | None
    ) -> list[Event]:
        """Add a display.

        Args:
            representations: What it consists of.
            display_id: The name by which it can be updated, if it has one.
        """
        shown = fit(representations, self._limits.max_event_bytes)
        return [
            MultimediaDisplayOutputAdded(
                **self._new_output(),
                representations=shown,
                display_id=UNSET if display_id is None else display_id,
            )
        ]

    def update_display(
        self, representations: Representations, display_id: str
    ) -> list[Event]:
        """Change every display of that name; it takes no position."""
        shown = fit(representations, self._limits.max_event_bytes)
        return [
            MultimediaDisplayOutputUpdated(display_id=display_id, representations=shown)
        ]

    def result(
        self, representations: Representations, execution_count: int
    ) -> list[Event]:
        """Add the value of the cell's last expression."""
        shown = fit(representations, self._limits.max_event_bytes)
        return [
            MultimediaResultOutputAdded(
                **self._new_output(),
                representations=shown,
                execution_count=execution_count,
            )
        ]

    def error(self, ename: str, evalue: str, traceback: Sequence[str]) -> list[Event]:
        """Add an error; a text of absurd length is cut in its middle."""
        content = {
            "ename": _cut(ename, 1_000),
            "evalue": _cut(evalue, self._limits.max_text_chars // 4),
            "traceback": _cut_lines(traceback, self._limits.max_text_chars // 2),
        }
        return [ErrorOutputAdded(**self._new_output(), content=Inline(data=content))]

    def clear(self, *, wait: bool) -> list[Event]:
        """Clear the cell and begin again at position 0.

        Args:
            wait: Keep what is shown until the next output arrives.
        """
        self._position = 0
        self._terminal = None
        return [
            CellOutputsCleared(
                cell_id=self._cell_id, wait=wait, cleared_by=self._cleared_by
            )
        ]

    def _terminal_event(self, name: StreamName, text: str) -> Event:
        run = self._terminal
        if run is not None and run.name == name:
            return run.append(text)
        output = self._new_output()
        self._terminal = _TerminalRun(name, output["id"])
        return TerminalOutputAdded(
            **output, content=Inline(data=text), stream_name=name
        )

    def _new_output(self) -> dict[str, Any]:
        """Give the fields that every new output has, and end the terminal run."""
        self._terminal = None
        fields = {
            "id": f"{self._id_prefix}-{self._ids_given}",
            "cell_id": self._cell_id,
            "position": self._position,
        }
        self._ids_given += 1
        self._position += 1
        return fields


class _TerminalRun:
    """One terminal output that can still grow."""

    def __init__(self, name: StreamName, output_id: str) -> None:
        self.name = name
        self._output_id = output_id
        self._next_sequence_number = 0

    def append(self, text: str) -> Event:
        number = self._next_sequence_number
        self._next_sequence_number += 1
        return TerminalOutputAppendedV2(
            id=f"{self._output_id}-{number}",
            output_id=self._output_id,
            delta=text,
            sequence_number=number,
        )


def _cut(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    half = max_chars // 2
    return (
        f"{text[:half]}\n[{len(text) - 2 * half:,} characters left out]\n{text[-half:]}"
    )


def _cut_lines(lines: Sequence[str], max_chars: int) -> list[str]:
    # A line costs its quotes and its comma as well.
    if sum(len(line) + 4 for line in lines) <= max_chars:
        return list(lines)
    # The frames are of no use in pieces: one text, its beginning and its end.
    return _cut("\n".join(lines), max_chars).split("\n")
