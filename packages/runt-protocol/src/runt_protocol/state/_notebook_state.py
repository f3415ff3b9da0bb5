"""The state of a notebook: its tables, moved forth by events and back by undo."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from runt_protocol.events import Event, UnknownEvent
from runt_protocol.state import _cells, _executions, _notebook, _outputs
from runt_protocol.state._registry import Materialiser
from runt_protocol.state._rows import (
    ActorRow,
    CellRow,
    ExecutionRow,
    FileRow,
    OutputRow,
    PendingClearRow,
    PresenceRow,
    RuntimeSessionRow,
    ToolApprovalRow,
)
from runt_protocol.state._table import Change
from runt_protocol.state._tables import Tables

MATERIALISERS: Final[Mapping[type[Event], Materialiser[Any]]] = (
    _notebook.materialises.members
    | _cells.materialises.members
    | _executions.materialises.members
    | _outputs.materialises.members
)


# Nothing that it refers to refers to it, so the garbage collector need not know it.
class Undo(Struct, frozen=True, gc=False):
    """How to take one event back; opaque to everybody but `NotebookState.revert`."""

    changes: tuple[Change, ...]


class NotebookState:
    """Everything that the events of a notebook's log have brought about.

    The mappings are live views. Rows are frozen; a change puts a new row in place.

    Args:
        drops_orphans: Whether appended text goes with its output. The JavaScript
            clients keep it, where nobody can see it any more, and so their tables grow
            with the log; with True ours do not, and differ in `output_deltas`.
    """

    def __init__(self, *, drops_orphans: bool = False) -> None:
        self._tables = Tables(drops_orphans=drops_orphans)

    def apply(self, event: Event | UnknownEvent) -> Undo:
        """Carry out an event.

        The cost depends on the rows that change, not on the size of the notebook.

        Args:
            event: An event that `decode_event` gave or `encode_event` takes; neither
                is checked again here. An unknown one changes nothing.

        Returns:
            What `revert` needs to take exactly this event back.

        Raises:
            ReusedIdError: The event appends under an id that was used already. The
                state is as it was.
        """
        if isinstance(event, UnknownEvent):
            return Undo(())
        journal = self._tables.journal
        try:
            MATERIALISERS[type(event)](self._tables, event)
            return Undo(tuple(journal))
        except BaseException:
            self.revert(Undo(tuple(journal)))
            raise
        finally:
            journal.clear()

    def revert(self, undo: Undo) -> None:
        """Take an event back.

        Args:
            undo: What `apply` returned for the latest event that was not yet taken
                back: events go in the reverse order of their coming.
        """
        for table, key, before in reversed(undo.changes):
            table.restore(key, before)

    def tables(self) -> dict[str, list[dict[str, object]]]:
        """Print the state as the SQLite tables of a JavaScript client hold it.

        Returns:
            The rows of every table by its name, ordered by primary key: columns in
            the order of the schema, booleans as 0 and 1, JSON columns as text.
            `uiState`, which is local to a client, is empty.
        """
        return self._tables.printed()

    @property
    def cells(self) -> Mapping[str, CellRow]:
        """The cells by id, in no certain order; see `ordered_cells`."""
        return self._tables.cells

    @property
    def outputs(self) -> Mapping[str, OutputRow]:
        """The outputs of all cells by id."""
        return self._tables.outputs

    @property
    def execution_queue(self) -> Mapping[str, ExecutionRow]:
        """The executions by queue id, in the order in which they were requested."""
        return self._tables.execution_queue

    @property
    def runtime_sessions(self) -> Mapping[str, RuntimeSessionRow]:
        """The runtime sessions by session id, in the order of their first start."""
        return self._tables.runtime_sessions

    @property
    def pending_clears(self) -> Mapping[str, PendingClearRow]:
        """The cells, by id, that are cleared when their next output comes."""
        return self._tables.pending_clears

    @property
    def presence(self) -> Mapping[str, PresenceRow]:
        """Where the users are, by user id."""
        return self._tables.presence

    @property
    def files(self) -> Mapping[str, FileRow]:
        """The uploaded files by name."""
        return self._tables.files

    @property
    def actors(self) -> Mapping[str, ActorRow]:
        """The people and agents with a profile, by id."""
        return self._tables.actors

    @property
    def tool_approvals(self) -> Mapping[str, ToolApprovalRow]:
        """The questions for tool calls by call id."""
        return self._tables.tool_approvals

    @property
    def metadata(self) -> dict[str, str]:
        """A copy of the notebook's metadata, such as `title` and `ownerId`."""
        return {key: row.value for key, row in self._tables.notebook_metadata.items()}

    def ordered_cells(self) -> list[CellRow]:
        """List the cells from the top of the notebook to its end."""
        return sorted(
            self.cells.values(), key=lambda row: (row.fractional_index, row.id)
        )

    def outputs_of(self, cell_id: str) -> list[OutputRow]:
        """List a cell's outputs in the order in which they are shown."""
        outputs = self._tables.outputs.where("cell_id", cell_id)
        return sorted(outputs, key=lambda row: (row.position, row.id))

    def text_of(self, output: OutputRow) -> str:
        """Give the whole text of an output: its data and the deltas behind it."""
        deltas = self._tables.output_deltas.where("output_id", output.id)
        deltas.sort(key=lambda row: (row.sequence_number, row.id))
        return (output.data or "") + "".join(row.delta for row in deltas)
