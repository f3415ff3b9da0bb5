"""Whose turn it is, told by the order of the log alone.

In the notebook's tables the last writer wins: a claim that comes second replaces the
first, and one that comes behind a cancellation undoes it. Such events cannot be kept
out, for whoever made them did not know better. So agents read the log like this:

- the session that started last, and has not been ended, is in charge;
- a claim counts if its session is in charge and nobody claimed before;
- an execution that was completed or cancelled stays so.

Every agent that has read the same events comes to the same result, and only confirmed
events are read here, so no execution is ever run twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from runt_protocol import (
    AllExecutionsCancelled,
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
    InvalidEventError,
    LoggedEvent,
    MultipleExecutionRequested,
    RuntimeSessionStarted,
    RuntimeSessionTerminated,
    decode_event,
)

Ending: TypeAlias = ExecutionCompleted | ExecutionCancelled

_READ: Final = frozenset(
    event_type.event_name
    for event_type in (
        AllExecutionsCancelled,
        ExecutionAssigned,
        ExecutionCancelled,
        ExecutionCompleted,
        ExecutionRequested,
        ExecutionStarted,
        MultipleExecutionRequested,
        RuntimeSessionStarted,
        RuntimeSessionTerminated,
    )
)


@dataclass(frozen=True, kw_only=True)
class OpenExecution:
    """An execution that was requested and has not ended.

    Attributes:
        queue_id: Its id.
        cell_id: Its cell.
        session_id: The session whose claim counts; None while there is none.
    """

    queue_id: str
    cell_id: str
    session_id: str | None = None


class Ledger:
    """Reads the log, event by event, and keeps who is in charge of what."""

    def __init__(self) -> None:
        """Start before the first event."""
        self._started: set[str] = set()
        self._active: dict[str, None] = {}
        self._open: dict[str, OpenExecution] = {}
        self._endings: dict[str, Ending] = {}
        self._disturbed: dict[str, str] = {}

    @property
    def active_sessions(self) -> tuple[str, ...]:
        """The sessions that have not been ended, in the order of their start."""
        return tuple(self._active)

    @property
    def in_charge(self) -> str | None:
        """The session that may claim and run; None if there is none."""
        return next(reversed(self._active), None)

    def is_over(self, session_id: str) -> bool:
        """Tell whether a session has started and is not in charge any more."""
        return session_id in self._started and session_id != self.in_charge

    @property
    def executions(self) -> Mapping[str, OpenExecution]:
        """What is still to be run, in the order of the requests."""
        return MappingProxyType(self._open)

    def disturbed(self) -> Iterator[tuple[str, Ending]]:
        """Give the executions that have ended but look open again in the tables.

        Yields:
            The session whose late event did that, and the event that had ended it.
        """
        for queue_id, session_id in self._disturbed.items():
            yield session_id, self._endings[queue_id]

    def observe(self, logged: LoggedEvent) -> None:
        """Read the next event of the log; one that no client can read is passed over.

        Args:
            logged: The event, confirmed by the server.
        """
        if logged.name not in _READ:
            return
        try:
            event = decode_event(logged.name, logged.args_text)
        except InvalidEventError:
            return
        match event:
            case RuntimeSessionStarted() | RuntimeSessionTerminated():
                self._observe_session(event)
            case ExecutionRequested():
                self._request(event.queue_id, event.cell_id)
            case MultipleExecutionRequested():
                for cell in event.cells_info:
                    self._request(cell.queue_id, cell.id)
            case ExecutionAssigned() | ExecutionStarted():
                self._observe_work(event)
            case ExecutionCompleted() | ExecutionCancelled():
                self._end(event.queue_id, event)
            case _:
                for execution in list(self._open.values()):
                    self._end(execution.queue_id, _cancelled(execution))

    def _observe_session(
        self, event: RuntimeSessionStarted | RuntimeSessionTerminated
    ) -> None:
        # A second start of the same session counts as the later one.
        self._active.pop(event.session_id, None)
        if isinstance(event, RuntimeSessionStarted):
            self._active[event.session_id] = None
            self._started.add(event.session_id)

    def _request(self, queue_id: str, cell_id: str) -> None:
        if queue_id not in self._open and queue_id not in self._endings:
            self._open[queue_id] = OpenExecution(queue_id=queue_id, cell_id=cell_id)

    def _observe_work(self, event: ExecutionAssigned | ExecutionStarted) -> None:
        queue_id, session_id = event.queue_id, event.runtime_session_id
        if queue_id in self._endings:
            self._disturbed[queue_id] = session_id
        execution = self._open.get(queue_id)
        if (
            isinstance(event, ExecutionAssigned)
            and execution is not None
            and execution.session_id is None
            and session_id == self.in_charge
        ):
            self._open[queue_id] = replace(execution, session_id=session_id)

    def _end(self, queue_id: str, ending: Ending) -> None:
        self._disturbed.pop(queue_id, None)
        if queue_id in self._open:
            del self._open[queue_id]
            self._endings[queue_id] = ending


def _cancelled(execution: OpenExecution) -> ExecutionCancelled:
    return ExecutionCancelled(
        queue_id=execution.queue_id,
        cell_id=execution.cell_id,
        cancelled_by="runtime",  # an actor has to be named
        reason="all executions were cancelled",
    )
