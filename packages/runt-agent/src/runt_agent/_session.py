"""The events by which a runtime session shows itself in a notebook.

Pure: the time is passed in. Source: protocol.md §6.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import UNSET

from runt_protocol import (
    Capabilities,
    CellOutputsCleared,
    Event,
    ExecutionAssigned,
    ExecutionCompleted,
    ExecutionStarted,
    RuntimeSessionRenewal,
    RuntimeSessionStarted,
    RuntimeSessionStatusChanged,
    RuntimeSessionTerminated,
)

RUNTIME_TYPE: Final = "python3-pyodide"
"""The name by which the web application knows this kind of runtime."""

_MILLISECOND: Final = timedelta(milliseconds=1)
_CODE_ONLY: Final = Capabilities(
    can_execute_code=True, can_execute_sql=False, can_execute_ai=False
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an execution ended.

    Attributes:
        status: What its row becomes.
        error: What went wrong, in a line; None if nothing did.
    """

    status: Literal["success", "error"]
    error: str | None = None


SUCCESS: Final = Outcome(status="success")


@dataclass(frozen=True, kw_only=True)
class Session:
    """One life of a runtime in one notebook.

    Attributes:
        session_id: The session's id, fresh for each life.
        runtime_id: The runtime's id, the same in all its lives.
    """

    session_id: str
    runtime_id: str

    @property
    def actor(self) -> str:
        """The name under which the runtime clears outputs."""
        return f"runtime-{self.runtime_id}"

    def takeover(self, displaced: Iterable[str]) -> list[Event]:
        """End other sessions and begin this one, ready for work.

        Args:
            displaced: The sessions to end.
        """
        return [
            *map(displacement, displaced),
            RuntimeSessionStarted(
                session_id=self.session_id,
                runtime_id=self.runtime_id,
                runtime_type=RUNTIME_TYPE,
                capabilities=_CODE_ONLY,
            ),
            self.status("ready"),
        ]

    def status(self, status: Literal["ready", "restarting"]) -> Event:
        """Say whether the session can work."""
        return RuntimeSessionStatusChanged(session_id=self.session_id, status=status)

    def renewal(self, now: datetime, *, valid_ms: int) -> Event:
        """Say that the session is still there."""
        return RuntimeSessionRenewal(
            session_id=self.session_id, renewed_at=now, valid_for_ms=valid_ms
        )

    def termination(self, reason: Literal["shutdown", "error"]) -> Event:
        """Say that the session ends by itself."""
        return RuntimeSessionTerminated(session_id=self.session_id, reason=reason)

    def claim(self, queue_id: str) -> Event:
        """Claim an execution."""
        return ExecutionAssigned(queue_id=queue_id, runtime_session_id=self.session_id)

    def start(self, queue_id: str, cell_id: str, now: datetime) -> list[Event]:
        """Begin an execution with an empty output area."""
        return [
            ExecutionStarted(
                queue_id=queue_id,
                cell_id=cell_id,
                runtime_session_id=self.session_id,
                started_at=now,
            ),
            CellOutputsCleared(cell_id=cell_id, wait=False, cleared_by=self.actor),
        ]


def displacement(session_id: str) -> Event:
    """End somebody else's session."""
    return RuntimeSessionTerminated(session_id=session_id, reason="displaced")


def completion(
    queue_id: str,
    cell_id: str,
    outcome: Outcome,
    *,
    now: datetime,
    duration: timedelta = timedelta(0),
) -> Event:
    """End an execution.

    Args:
        queue_id: The execution.
        cell_id: Its cell.
        outcome: How it ended.
        now: The current time.
        duration: How long the code ran.
    """
    return ExecutionCompleted(
        queue_id=queue_id,
        cell_id=cell_id,
        status=outcome.status,
        error=UNSET if outcome.error is None else outcome.error,
        completed_at=now,
        # A clock that was set back must not give a negative duration.
        execution_duration_ms=max(0, duration // _MILLISECOND),
    )
