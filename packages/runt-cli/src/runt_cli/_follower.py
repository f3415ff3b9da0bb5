"""Shows a cell's outputs while they grow."""

from collections.abc import Sequence
from typing import Any

from runt_cli._cell_outputs import CellOutput, ErrorOutput, MediaOutput, StreamOutput
from runt_cli._printer import Printer


class Follower:
    """Prints, of all outputs of a cell, what was not printed yet.

    What a cell clears stays in the terminal: it has scrolled away. A display that is
    updated is shown again.
    """

    def __init__(self, printer: Printer) -> None:
        """Begin with a cell that has shown nothing.

        Args:
            printer: Where to.
        """
        self._printer = printer
        self._printed_chars: dict[str, int] = {}
        self._shown: dict[str, Any] = {}

    def show(self, outputs: Sequence[CellOutput]) -> None:
        """Print what is new.

        Args:
            outputs: All outputs that the cell has now, in order.
        """
        for output in outputs:
            match output:
                case StreamOutput():
                    self._show_stream(output)
                case MediaOutput():
                    if self._is_new(output.id, output.representations):
                        self._printer.bundle(_shown_data(output))
                case ErrorOutput():
                    if self._is_new(output.id, output):
                        self._printer.error(
                            output.ename, output.evalue, output.traceback
                        )

    def _show_stream(self, output: StreamOutput) -> None:
        start = self._printed_chars.get(output.id, 0)
        if len(output.text) > start:
            self._printer.stream(output.name, output.text[start:])
            self._printed_chars[output.id] = len(output.text)

    def _is_new(self, output_id: str, content: object) -> bool:
        if self._shown.get(output_id) == content:
            return False
        self._shown[output_id] = content
        return True


def _shown_data(output: MediaOutput) -> dict[str, Any]:
    # An uploaded type counts too: a display without any text is named by its types.
    return output.inline_data | dict.fromkeys(output.artifact_ids)
