from datetime import UTC, datetime, timedelta

import pytest

from runt_agent import RUNTIME_TYPE
from runt_agent._session import SUCCESS, Outcome, Session, completion
from runt_protocol import NotebookState, encode_event

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
OURS = Session(session_id="ours", runtime_id="r")


def test_a_takeover_ends_the_others_and_is_ready_for_code() -> None:
    state = NotebookState()
    for session_id in ("a", "b"):
        for event in Session(session_id=session_id, runtime_id="r").takeover([]):
            state.apply(event)

    for event in OURS.takeover(["a", "b"]):
        state.apply(event)

    rows = state.runtime_sessions
    assert [(rows[i].status, rows[i].is_active) for i in ("a", "b", "ours")] == [
        ("terminated", False),
        ("terminated", False),
        ("ready", True),
    ]
    ours = rows["ours"]
    assert ours.runtime_type == RUNTIME_TYPE == "python3-pyodide"
    assert (ours.can_execute_code, ours.can_execute_sql, ours.can_execute_ai) == (
        True,
        False,
        False,
    )


def test_a_renewal_holds_for_the_time_that_it_names() -> None:
    state = NotebookState()
    for event in [*OURS.takeover([]), OURS.renewal(NOW, valid_ms=30_000)]:
        state.apply(event)

    row = state.runtime_sessions["ours"]
    assert row.last_renewed_at == "2026-01-02T03:04:05.678Z"
    assert row.expires_at == "2026-01-02T03:04:35.678Z"


def test_a_start_clears_the_cell_under_the_runtimes_name() -> None:
    _, clear = OURS.start("q", "c", NOW)

    assert encode_event(clear).args_text == (
        '{"cellId":"c","wait":false,"clearedBy":"runtime-r"}'
    )


@pytest.mark.parametrize(
    ("duration", "milliseconds"),
    [
        (timedelta(seconds=1.2345), 1234),
        (timedelta(microseconds=999), 0),
        (timedelta(seconds=-5), 0),
    ],
)
def test_a_duration_is_a_whole_number_of_milliseconds(
    duration: timedelta, milliseconds: int
) -> None:
    event = completion("q", "c", SUCCESS, now=NOW, duration=duration)

    assert encode_event(event).args_text == (
        '{"queueId":"q","cellId":"c","status":"success",'
        '"completedAt":"2026-01-02T03:04:05.678Z",'
        f'"executionDurationMs":{milliseconds}}}'
    )


def test_an_error_says_what_happened() -> None:
    outcome = Outcome(status="error", error="NameError: x")

    args_text = encode_event(completion("q", "c", outcome, now=NOW)).args_text

    assert args_text is not None
    assert '"status":"error","error":"NameError: x"' in args_text
