"""What a run does in a notebook that has no agent, or loses it."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio

from runt_agent import Service, open_notebook
from runt_cli._agent_watch import has_agent
from runt_cli._errors import NoAgentError
from runt_cli._headless import HeadlessRun
from runt_cli._notebook_file import read_document
from runt_cli._printer import Printer
from runt_protocol import (
    Capabilities,
    NotebookState,
    RuntimeSessionRenewal,
    RuntimeSessionStarted,
    RuntimeSessionTerminated,
)
from runt_sync import open_server

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CODE = Capabilities(can_execute_code=True, can_execute_sql=False, can_execute_ai=False)
SQL = Capabilities(can_execute_code=False, can_execute_sql=True, can_execute_ai=False)


def started(capabilities: Capabilities = CODE) -> RuntimeSessionStarted:
    return RuntimeSessionStarted(
        session_id="s", runtime_id="r", runtime_type="t", capabilities=capabilities
    )


def renewed(at: datetime) -> RuntimeSessionRenewal:
    return RuntimeSessionRenewal(session_id="s", renewed_at=at, valid_for_ms=30_000)


def test_an_agent_is_there_from_its_start_to_its_end() -> None:
    state = NotebookState()
    assert not has_agent(state, NOW)
    state.apply(started())
    assert has_agent(state, NOW)
    state.apply(RuntimeSessionTerminated(session_id="s", reason="shutdown"))
    assert not has_agent(state, NOW)


def test_an_agent_that_stopped_renewing_is_gone_and_clocks_may_differ() -> None:
    state = NotebookState()
    state.apply(started())
    state.apply(renewed(NOW))
    assert has_agent(state, NOW + timedelta(seconds=80))
    assert not has_agent(state, NOW + timedelta(seconds=120))
    assert has_agent(state, NOW - timedelta(hours=1))


def test_a_runtime_for_something_else_does_not_count() -> None:
    state = NotebookState()
    state.apply(started(SQL))
    assert not has_agent(state, NOW)


async def test_a_run_without_an_agent_ends_with_advice(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("1")
    document = read_document(script)
    async with (
        open_server(data_dir=tmp_path / "data", token="t") as server,
        open_notebook(
            sync_url=server.sync_url, notebook_id="n", payload={"authToken": "t"}
        ) as notebook,
    ):
        run = HeadlessRun(
            document=document,
            notebook=notebook,
            service=Service(sync_url=server.sync_url, auth_token="t"),
            user_id="me",
            printer=Printer(io.StringIO(), io.StringIO()),
            agent_deadline_s=0.2,
        )
        with trio.fail_after(10), pytest.raises(NoAgentError, match="runt --notebook"):
            await run.run(allow_errors=False)
        # Nobody may find the request and run it when its client has gone.
        (row,) = notebook.state.execution_queue.values()
        assert row.status == "cancelled"
    assert not document.has_results
