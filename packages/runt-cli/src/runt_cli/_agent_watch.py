"""Whether somebody is there who executes the cells of a notebook."""

from datetime import UTC, datetime, timedelta
from typing import Final

from runt_protocol import NotebookState, RuntimeSessionRow

_CLOCK_SKEW: Final = timedelta(seconds=60)
"""The end of a session is written by the agent's clock and read by ours."""


def has_agent(state: NotebookState, now: datetime) -> bool:
    """Tell whether a session is active that can execute code.

    An agent that was killed leaves its session active; only its end date tells.

    Args:
        state: The notebook.
        now: The current time.
    """
    return any(
        row.is_active and row.can_execute_code and not _has_expired(row, now)
        for row in state.runtime_sessions.values()
    )


def utc_now() -> datetime:
    """Give the current time."""
    return datetime.now(UTC)


def _has_expired(row: RuntimeSessionRow, now: datetime) -> bool:
    if row.expires_at is None:
        return False  # it has just begun
    return datetime.fromisoformat(row.expires_at) + _CLOCK_SKEW < now
