"""How an agent executes the cells that are requested."""

import logging

import pytest
import trio
import trio.lowlevel
from notebook_rig import Person, StartAgent

from runt_agent import (
    Limits,
)
from runt_agent.testing import CellError, ScriptedWorker
from runt_protocol import (
    CellDeleted,
)
from runt_sync import Server
from runt_worker import (
    DisplayData,
    ExecuteResult,
    OnOutput,
    Stream,
    UpdateDisplayData,
)


async def test_a_requested_cell_is_run_and_shows_its_outputs(
    person: Person, start_agent: StartAgent
) -> None:
    async def rich(_: ScriptedWorker, on_output: OnOutput) -> None:
        on_output(Stream(name="stdout", text="one\n"))
        await trio.sleep(0.2)
        on_output(Stream(name="stdout", text="two\n"))
        on_output(Stream(name="stderr", text="careful\n"))
        on_output(
            DisplayData(data={"text/html": "<b>1</b>"}, metadata={}, display_id="d")
        )
        on_output(
            UpdateDisplayData(
                data={"text/html": "<b>2</b>"}, metadata={}, display_id="d"
            )
        )
        on_output(
            ExecuteResult(data={"text/plain": "42"}, metadata={}, execution_count=1)
        )

    agent = await start_agent(ScriptedWorker({"rich": rich}))
    name = person.request("rich")
    await person.until_status(name, "completed")

    assert person.shown(name) == [
        "stdout: one\ntwo\n",
        "stderr: careful\n",
        "multimedia_display: <b>2</b>",
        "multimedia_result: 42",
    ]
    row = person.state.execution_queue[f"q{name}"]
    assert row.assigned_runtime_session == agent.session_id
    assert row.execution_duration_ms is not None
    assert 200 <= row.execution_duration_ms < 5_000
    assert person.state.cells[f"c{name}"].execution_state == "completed"


async def test_the_log_tells_the_life_of_an_execution_in_order(
    person: Person, start_agent: StartAgent
) -> None:
    await start_agent()
    await person.until(lambda: len(person.log) == 3)
    name = person.request("hello")
    await person.until_status(name, "completed")
    await person.until(lambda: person.completions(name))

    assert [event.name for event in person.log] == [
        "v1.RuntimeSessionStarted",
        "v1.RuntimeSessionStatusChanged",
        "v1.RuntimeSessionRenewal",
        "v2.CellCreated",
        "v1.CellSourceChanged",
        "v1.ExecutionRequested",
        "v1.ExecutionAssigned",
        "v1.ExecutionStarted",
        "v1.CellOutputsCleared",
        "v1.TerminalOutputAdded",
        "v1.ExecutionCompleted",
    ]


async def test_cells_run_one_at_a_time_in_the_order_of_the_requests(
    person: Person, start_agent: StartAgent
) -> None:
    worker = ScriptedWorker()
    names = [person.request(f"source {n}") for n in range(5)]

    await start_agent(worker)
    await person.until_status(names[-1], "completed")

    assert worker.executed == [f"source {n}" for n in range(5)]


async def test_an_error_of_the_cell_completes_it_as_error(
    person: Person, start_agent: StartAgent
) -> None:
    async def fail(_: ScriptedWorker, _on_output: OnOutput) -> None:
        await trio.lowlevel.checkpoint()
        raise CellError("oops")

    await start_agent(ScriptedWorker({"fail": fail}))
    name = person.request("fail")
    await person.until_status(name, "failed")

    [error] = person.shown(name)
    assert '"evalue":"oops"' in error
    await person.until(lambda: person.completions(name))
    assert '"error":"CellError: oops"' in person.completions(name)[0]


async def test_empty_source_succeeds_without_the_worker(
    person: Person, start_agent: StartAgent
) -> None:
    worker = ScriptedWorker()
    await start_agent(worker)

    name = person.request(" \n\t")
    await person.until_status(name, "completed")

    assert worker.executed == []


async def test_cells_that_are_no_code_or_gone_fail_with_a_reason(
    person: Person, start_agent: StartAgent
) -> None:
    markdown = person.request("# Title", cell_type="markdown")
    gone = person.request("1")
    person.notebook.commit(CellDeleted(id=f"c{gone}"))
    worker = ScriptedWorker()

    await start_agent(worker)
    await person.until_status(markdown, "failed")
    await person.until_status(gone, "failed")
    await person.until(lambda: person.completions(gone))

    assert "markdown cell" in person.completions(markdown)[0]
    assert "the cell is gone" in person.completions(gone)[0]
    assert worker.executed == []


async def test_a_step_after_the_cell_comes_before_the_report(
    person: Person, start_agent: StartAgent
) -> None:
    statuses: list[str] = []

    async def after_cell() -> str | None:
        await person.until(lambda: person.shown(name))
        statuses.append(person.status(name))
        return "the disk is full"

    await start_agent(after_cell=after_cell)
    name = person.request("hello")
    await person.until_status(name, "completed")

    assert person.shown(name) == ["stdout: hello", "stderr: the disk is full\n"]
    assert statuses == ["executing"]


async def test_the_session_is_renewed(person: Person, start_agent: StartAgent) -> None:
    limits = Limits(renewal_interval_s=0.05, session_valid_ms=1000)
    agent = await start_agent(limits=limits)

    def renewals() -> list[str]:
        return [e.args_text or "" for e in person.log if "Renewal" in e.name]

    await person.until(lambda: len(renewals()) >= 3)

    row = person.state.runtime_sessions[agent.session_id]
    assert row.expires_at is not None
    assert '"validForMs":1000' in renewals()[0]


async def test_neither_token_nor_source_is_logged(
    person: Person,
    start_agent: StartAgent,
    server: Server,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await start_agent()
    name = person.request("print('confidential')")
    await person.until_status(name, "completed")

    ours = [r for r in caplog.records if r.name.startswith("runt_agent")]
    assert f"q{name}" in "".join(r.getMessage() for r in ours)
    assert server.token not in caplog.text
    assert "confidential" not in "".join(r.getMessage() for r in ours)
