"""The agent against a real sync server, with a scripted worker."""

import logging
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import trio
import trio.lowlevel

from runt_agent import (
    AgentConfig,
    DisplacedError,
    Limits,
    LogReplacedError,
    Notebook,
    TokenRefusedError,
    open_notebook,
    run_agent,
)
from runt_agent._session import Session
from runt_agent.testing import CellError, ScriptedWorker
from runt_protocol import (
    AllExecutionsCancelled,
    Artifact,
    CellCreatedV2,
    CellDeleted,
    CellSourceChanged,
    CellType,
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionRequested,
    LoggedEvent,
    NotebookState,
)
from runt_sync import Server
from runt_worker import (
    ClearOutput,
    DisplayData,
    ExecuteResult,
    OnOutput,
    Stream,
    UpdateDisplayData,
    WorkerDiedError,
)

StartServer = Callable[..., Awaitable[Any]]
StartAgent = Callable[..., Awaitable["RunningAgent"]]
TIMEOUT_S = 10
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Person:
    """A client that creates cells, requests executions and looks at the outcome."""

    def __init__(self, notebook: Notebook, log: list[LoggedEvent]) -> None:
        self.notebook = notebook
        self.log = log
        self._cells = 0

    @property
    def state(self) -> NotebookState:
        return self.notebook.state

    def request(self, source: str, cell_type: CellType = "code") -> str:
        """Create cell `c<n>` and request it as `q<n>`."""
        self._cells += 1
        name = str(self._cells)
        self.notebook.commit(
            CellCreatedV2(
                id=f"c{name}",
                fractional_index=f"a{name}",
                cell_type=cell_type,
                created_by="person",
            ),
            CellSourceChanged(id=f"c{name}", source=source, modified_by="person"),
            ExecutionRequested(
                queue_id=f"q{name}",
                cell_id=f"c{name}",
                execution_count=1,
                requested_by="person",
            ),
        )
        return name

    def cancel(self, name: str) -> None:
        self.notebook.commit(
            ExecutionCancelled(
                queue_id=f"q{name}",
                cell_id=f"c{name}",
                cancelled_by="person",
                reason="changed my mind",
            )
        )

    def status(self, name: str) -> str:
        return self.state.execution_queue[f"q{name}"].status

    async def until(self, predicate: Callable[[], object]) -> None:
        with trio.fail_after(TIMEOUT_S):
            await self.notebook.wait_for(lambda _: bool(predicate()))

    async def until_status(self, name: str, *statuses: str) -> None:
        await self.until(lambda: self.status(name) in statuses)

    def shown(self, name: str) -> list[str]:
        return [
            f"{row.stream_name or row.output_type}: {self.state.text_of(row)}"
            for row in self.state.outputs_of(f"c{name}")
        ]

    def completions(self, name: str) -> list[str]:
        """Give the args of every completion of an execution that the log holds."""
        return [
            event.args_text or ""
            for event in self.log
            if event.name == "v1.ExecutionCompleted"
            and f'"queueId":"q{name}"' in (event.args_text or "")
        ]


def joined(sync_url: str, token: str, log: list[LoggedEvent] | None = None) -> Any:
    return open_notebook(
        sync_url=sync_url,
        notebook_id="nb",
        payload={"authToken": token},
        on_logged=None if log is None else log.append,
    )


@pytest.fixture
async def person(server: Server) -> AsyncGenerator[Person]:
    log: list[LoggedEvent] = []
    async with joined(server.sync_url, server.token, log) as notebook:
        yield Person(notebook, log)


class RunningAgent:
    """An agent that a test can stop; what it raised is kept."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.scope = trio.CancelScope()
        self.ended = trio.Event()
        self.error: Exception | None = None

    async def wait_ended(self) -> None:
        with trio.fail_after(TIMEOUT_S):
            await self.ended.wait()

    async def stop(self) -> None:
        self.scope.cancel()
        await self.wait_ended()


@pytest.fixture
def start_agent(nursery: trio.Nursery, server: Server) -> StartAgent:
    async def run(
        worker: ScriptedWorker,
        options: dict[str, Any],
        sync_url: str,
        task_status: trio.TaskStatus[RunningAgent],
    ) -> None:
        config = AgentConfig(
            notebook_id="nb",
            auth_token=server.token,
            sync_url=sync_url,
            limits=options.pop("limits", Limits()),
        )
        agent = RunningAgent(config.session_id)
        with agent.scope:

            async def work(task_status: trio.TaskStatus[str]) -> None:
                await run_agent(
                    config, worker=worker, task_status=task_status, **options
                )

            try:
                async with trio.open_nursery() as inner:
                    assert await inner.start(work) == config.session_id
                    task_status.started(agent)
            except* (DisplacedError, LogReplacedError, WorkerDiedError) as group:
                [agent.error] = group.exceptions  # pyright: ignore[reportAttributeAccessIssue] - no nested groups here
        agent.ended.set()

    async def start(
        worker: ScriptedWorker | None = None,
        *,
        sync_url: str = server.sync_url,
        **options: Any,
    ) -> RunningAgent:
        return await nursery.start(run, worker or ScriptedWorker(), options, sync_url)

    return start


async def forever(worker: ScriptedWorker, on_output: OnOutput) -> None:
    on_output(Stream(name="stdout", text="begun\n"))
    await worker.until_interrupted()


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
    markdown = person.request("# Title", "markdown")
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


async def test_a_cancelled_execution_interrupts_its_cell_only(
    person: Person, start_agent: StartAgent
) -> None:
    worker = ScriptedWorker({"forever": forever})
    await start_agent(worker)
    running, queued = person.request("forever"), person.request("next")
    await person.until(lambda: person.shown(running))

    person.cancel(running)
    await person.until_status(queued, "completed")

    assert person.status(running) == "cancelled"
    assert person.state.cells[f"c{running}"].execution_state == "idle"
    assert person.shown(running)[0] == "stdout: begun\n"
    assert "KeyboardInterrupt" in person.shown(running)[1]
    await person.until(lambda: person.completions(queued))
    assert person.completions(running) == []
    assert worker.interrupts == 1


async def test_an_execution_that_is_cancelled_while_queued_never_runs(
    person: Person, start_agent: StartAgent
) -> None:
    worker = ScriptedWorker({"forever": forever})
    await start_agent(worker)
    running, queued = person.request("forever"), person.request("never")
    await person.until(lambda: person.shown(running))

    person.cancel(queued)
    await person.notebook.flush()
    person.cancel(running)
    last = person.request("last")
    await person.until_status(last, "completed")

    assert worker.executed == ["forever", "last"]


async def test_everything_can_be_cancelled_at_once(
    person: Person, start_agent: StartAgent
) -> None:
    worker = ScriptedWorker({"forever": forever})
    await start_agent(worker)
    running, queued = person.request("forever"), person.request("never")
    await person.until(lambda: person.shown(running))

    person.notebook.commit(AllExecutionsCancelled())
    last = person.request("last")
    await person.until_status(last, "completed")

    assert [person.status(name) for name in (running, queued)] == ["cancelled"] * 2
    assert worker.executed == ["forever", "last"]


async def test_a_new_agent_takes_over(person: Person, start_agent: StartAgent) -> None:
    async def slow_to_end(worker: ScriptedWorker, on_output: OnOutput) -> None:
        on_output(Stream(name="stdout", text="begun\n"))
        try:
            await worker.until_interrupted()
        finally:
            on_output(Stream(name="stdout", text="too late\n"))
            await trio.sleep(0.2)

    old_worker = ScriptedWorker({"slow": slow_to_end})
    old = await start_agent(old_worker)
    name = person.request("slow")
    await person.until(lambda: person.shown(name))

    new = await start_agent()
    await old.wait_ended()

    assert isinstance(old.error, DisplacedError)
    assert old.error.new_session_id == new.session_id
    assert new.session_id in str(old.error)
    assert old_worker.interrupts == 1
    await person.until_status(name, "failed")
    await person.until(lambda: person.completions(name))
    [completion] = person.completions(name)
    assert old.session_id in completion
    # The old one pushed nothing more.
    assert person.shown(name) == ["stdout: begun\n"]
    sessions = person.state.runtime_sessions
    assert not sessions[old.session_id].is_active
    assert sessions[new.session_id].is_active

    last = person.request("last")
    await person.until_status(last, "completed")


@pytest.mark.parametrize("has_started", [False, True])
async def test_what_a_dead_agent_left_is_completed_as_error(
    has_started: bool,  # noqa: FBT001 - a case
    person: Person,
    start_agent: StartAgent,
) -> None:
    dead = Session(session_id="dead", runtime_id="r")
    name = person.request("1")
    person.notebook.commit(*dead.takeover([]), dead.claim(f"q{name}"))
    if has_started:
        [start, _] = dead.start(f"q{name}", f"c{name}", NOW)
        person.notebook.commit(start)
    waiting = person.request("2")
    worker = ScriptedWorker()

    await start_agent(worker)
    await person.until_status(waiting, "completed")

    assert person.status(name) == "failed"
    assert person.state.cells[f"c{name}"].execution_state == "error"
    assert worker.executed == ["2"]
    assert not person.state.runtime_sessions["dead"].is_active
    await person.until(lambda: person.completions(name))
    assert "session dead ended" in person.completions(name)[0]


async def test_two_agents_that_start_together_run_nothing_twice(
    person: Person, start_agent: StartAgent
) -> None:
    workers = [ScriptedWorker(), ScriptedWorker(), ScriptedWorker()]
    names = [person.request(f"source {n}") for n in range(20)]

    async with trio.open_nursery() as nursery:
        for worker in workers:
            nursery.start_soon(start_agent, worker)
    await person.until(
        lambda: all(person.status(n) in {"completed", "failed"} for n in names)
    )

    executed = [source for worker in workers for source in worker.executed]
    assert len(executed) == len(set(executed))
    sessions = person.state.runtime_sessions
    await person.until(lambda: sum(r.is_active for r in sessions.values()) == 1)


async def test_the_end_of_an_agent_is_in_the_log(
    person: Person, start_agent: StartAgent
) -> None:
    agent = await start_agent()

    await agent.stop()

    await person.until(lambda: person.log[-1].name == "v1.RuntimeSessionTerminated")
    assert person.log[-1].args_text == (
        f'{{"sessionId":"{agent.session_id}","reason":"shutdown"}}'
    )


async def test_an_agent_that_is_stopped_ends_its_running_cell(
    person: Person, start_agent: StartAgent
) -> None:
    worker = ScriptedWorker({"forever": forever})
    agent = await start_agent(worker)
    name, queued = person.request("forever"), person.request("later")
    await person.until(lambda: person.shown(name))

    await agent.stop()

    await person.until_status(name, "failed")
    assert "KeyboardInterrupt" in person.shown(name)[1]
    assert person.status(queued) == "pending"  # the next agent's work
    await person.until(lambda: person.log[-1].name == "v1.RuntimeSessionTerminated")
    assert len(person.completions(name)) == 1


async def test_an_agent_that_is_stopped_abandons_a_cell_that_does_not_end(
    person: Person, start_agent: StartAgent
) -> None:
    async def deaf(_: ScriptedWorker, on_output: OnOutput) -> None:
        on_output(Stream(name="stdout", text="begun"))
        await trio.sleep_forever()

    limits = Limits(interrupt_grace_s=0.1)
    agent = await start_agent(ScriptedWorker({"deaf": deaf}), limits=limits)
    name = person.request("deaf")
    await person.until(lambda: person.shown(name))

    await agent.stop()

    await person.until_status(name, "failed")
    await person.until(lambda: person.completions(name))
    assert "the runtime ended before the cell did" in person.completions(name)[0]


async def test_an_agent_that_is_stopped_leaves_nothing_that_it_has_claimed(
    person: Person, start_agent: StartAgent
) -> None:
    agent = await start_agent(ScriptedWorker({"forever": forever}))
    running, claimed = person.request("forever"), person.request("later")
    await person.until(lambda: person.shown(running))
    person.notebook.commit(
        ExecutionAssigned(queue_id=f"q{claimed}", runtime_session_id=agent.session_id)
    )
    await person.notebook.flush()

    await agent.stop()

    await person.until_status(claimed, "failed")
    await person.until(lambda: person.completions(claimed))
    assert "the runtime ended before" in person.completions(claimed)[0]


async def test_a_claim_behind_a_cancellation_does_not_undo_it(
    person: Person, start_agent: StartAgent
) -> None:
    worker = ScriptedWorker({"forever": forever})
    agent = await start_agent(worker)
    running, cancelled = person.request("forever"), person.request("never")
    await person.until(lambda: person.shown(running))

    # As if the agent had claimed it before it knew.
    person.cancel(cancelled)
    person.notebook.commit(
        ExecutionAssigned(queue_id=f"q{cancelled}", runtime_session_id=agent.session_id)
    )
    await person.notebook.flush()
    assert person.status(cancelled) == "assigned"
    person.cancel(running)

    await person.until_status(cancelled, "cancelled")
    assert person.state.cells[f"c{cancelled}"].execution_state == "idle"
    assert worker.executed == ["forever"]


async def test_a_worker_that_dies_is_replaced(
    person: Person, start_agent: StartAgent
) -> None:
    async def die(worker: ScriptedWorker, on_output: OnOutput) -> None:
        await trio.lowlevel.checkpoint()
        on_output(Stream(name="stdout", text="last words"))
        worker.die()

    worker = ScriptedWorker({"die": die})
    await start_agent(worker)
    fatal, after = person.request("die"), person.request("after")
    await person.until_status(after, "completed")

    assert person.status(fatal) == "failed"
    words, error = person.shown(fatal)
    assert words == "stdout: last words"
    assert "the script said so" in error
    await person.until(lambda: person.completions(after))
    assert "the script said so" in person.completions(fatal)[0]
    assert worker.restarts == 1
    statuses = [
        event.args_text
        for event in person.log
        if event.name == "v1.RuntimeSessionStatusChanged"
    ]
    assert [("restarting" in (s or "")) for s in statuses] == [False, True, False]


async def test_a_worker_that_cannot_be_replaced_ends_the_agent(
    person: Person, start_agent: StartAgent
) -> None:
    async def die(worker: ScriptedWorker, _: OnOutput) -> None:
        await trio.lowlevel.checkpoint()
        worker.die()

    class Mortal(ScriptedWorker):
        async def restart(self) -> None:
            await trio.lowlevel.checkpoint()
            raise WorkerDiedError("no second life")

    limits = Limits(restart_waits_s=(0.01, 0.02))
    agent = await start_agent(Mortal({"die": die}), limits=limits)
    name = person.request("die")
    await agent.wait_ended()

    assert isinstance(agent.error, WorkerDiedError)
    await person.until_status(name, "failed")
    await person.until(lambda: person.log[-1].name == "v1.RuntimeSessionTerminated")
    assert '"reason":"error"' in (person.log[-1].args_text or "")


async def test_fresh_workers_that_die_at_once_are_followed_by_others_more_slowly(
    person: Person, start_agent: StartAgent, caplog: pytest.LogCaptureFixture
) -> None:
    async def die(worker: ScriptedWorker, _: OnOutput) -> None:
        await trio.lowlevel.checkpoint()
        worker.die()

    class Frail(ScriptedWorker):
        def __init__(self) -> None:
            super().__init__({"die": die})
            self.attempts: list[float] = []

        async def restart(self) -> None:
            self.attempts.append(trio.current_time())
            if len(self.attempts) < 3:
                raise WorkerDiedError("too early")
            await super().restart()

    worker = Frail()
    await start_agent(worker, limits=Limits(restart_waits_s=(0.1, 0.3)))
    person.request("die")
    after = person.request("after")
    await person.until_status(after, "completed")

    first, second, third = worker.attempts
    assert second - first >= 0.1
    assert third - second >= 0.3
    assert caplog.text.count("died at its start (too early)") == 2


async def test_a_clear_of_the_cell_replaces_what_was_shown(
    person: Person, start_agent: StartAgent
) -> None:
    async def clearing(_: ScriptedWorker, on_output: OnOutput) -> None:
        for number in range(3):
            on_output(ClearOutput(wait=True))
            on_output(Stream(name="stdout", text=f"{number}\n"))
            await trio.sleep(0.12)

    await start_agent(ScriptedWorker({"clearing": clearing}))
    name = person.request("clearing")
    await person.until_status(name, "completed")

    assert person.shown(name) == ["stdout: 2\n"]


async def test_a_flood_of_text_makes_few_events(
    person: Person, start_agent: StartAgent
) -> None:
    async def flood(_: ScriptedWorker, on_output: OnOutput) -> None:
        for number in range(20_000):
            on_output(Stream(name="stdout", text=f"{number}\n"))
            if not number % 500:
                await trio.lowlevel.checkpoint()

    await start_agent(ScriptedWorker({"flood": flood}))
    name = person.request("flood")
    await person.until_status(name, "completed")

    [text] = person.shown(name)
    assert text == "stdout: " + "".join(f"{n}\n" for n in range(20_000))
    assert len([e for e in person.log if "Terminal" in e.name]) < 50


async def test_a_progress_bar_makes_few_events(
    person: Person, start_agent: StartAgent
) -> None:
    async def progress(_: ScriptedWorker, on_output: OnOutput) -> None:
        for number in range(300):
            on_output(Stream(name="stderr", text=f"\r{number:3}/300"))
            await trio.sleep(0.001)

    await start_agent(ScriptedWorker({"progress": progress}))
    name = person.request("progress")
    await person.until_status(name, "completed")

    [text] = person.shown(name)
    assert text.endswith("\r299/300")
    assert len(text) < 200


async def test_a_display_that_no_client_could_read_becomes_a_notice(
    person: Person, start_agent: StartAgent
) -> None:
    async def display(_worker: ScriptedWorker, on_output: OnOutput) -> None:
        await trio.lowlevel.checkpoint()
        deep: Any = []
        for _ in range(500):
            deep = [deep]
        on_output(DisplayData(data={"application/json": deep}, metadata={}))
        on_output(Stream(name="stdout", text="after"))

    await start_agent(ScriptedWorker({"display": display}))
    name = person.request("display")
    await person.until_status(name, "completed")

    notice, after = person.shown(name)
    assert "cannot be kept" in notice
    assert after == "stdout: after"


async def test_outputs_of_any_size_arrive_or_say_what_is_missing(
    person: Person, start_agent: StartAgent
) -> None:
    def html(size: int) -> DisplayData:
        return DisplayData(
            data={"text/html": "h" * size, "text/plain": "a table"}, metadata={}
        )

    async def large(_: ScriptedWorker, on_output: OnOutput) -> None:
        await trio.lowlevel.checkpoint()
        on_output(html(890_000))
        on_output(html(2_000_000))
        on_output(Stream(name="stdout", text="\x01漢😀" * 500_000))
        on_output(
            DisplayData(
                data={"image/png": b64encode(b"p" * 3_000_000).decode()}, metadata={}
            )
        )

    await start_agent(ScriptedWorker({"large": large}))
    name = person.request("large")
    await person.until_status(name, "completed")
    await person.until(lambda: person.completions(name))

    fits, notice, text, _ = person.shown(name)
    assert fits == "multimedia_display: " + "h" * 890_000
    assert "a table\n[left out, too large" in notice
    assert "text/html, 2,000,0" in notice
    assert text == "stdout: " + "\x01漢😀" * 500_000
    image = person.state.outputs_of(f"c{name}")[-1].representations
    assert image is not None
    assert isinstance(image["image/png"], Artifact)
    assert max(len((e.args_text or "").encode()) for e in person.log) <= 899_000


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


async def test_a_server_that_restarts_is_met_again(
    start_server: StartServer, start_agent: StartAgent
) -> None:
    first = await start_server()
    url, token = first.server.sync_url, first.server.token
    proceed = trio.Event()

    async def patient(_: ScriptedWorker, on_output: OnOutput) -> None:
        on_output(Stream(name="stdout", text="before\n"))
        await proceed.wait()
        on_output(Stream(name="stdout", text="after\n"))

    worker = ScriptedWorker({"patient": patient})
    # The fixtures stop the second server before the agent.
    limits = Limits(shutdown_timeout_s=0.1)
    await start_agent(worker, sync_url=url, limits=limits)
    async with joined(url, token) as notebook:
        person = Person(notebook, [])
        name = person.request("patient")
        await person.until(lambda: person.shown(name))

        await first.stop()
        proceed.set()
        await trio.sleep(0.1)
        await start_server(port=first.port)

        await person.until_status(name, "completed")
        assert person.shown(name) == ["stdout: before\nafter\n"]
        last = person.request("last")
        await person.until_status(last, "completed")


async def test_an_agent_whose_notebook_was_lost_ends_and_the_next_one_serves(
    start_server: StartServer, start_agent: StartAgent
) -> None:
    first = await start_server()
    url, token = first.server.sync_url, first.server.token
    agent = await start_agent(ScriptedWorker({"forever": forever}), sync_url=url)
    with pytest.raises(LogReplacedError):  # noqa: PT012 - the block itself is what ends
        async with joined(url, token) as notebook:
            person = Person(notebook, [])
            name = person.request("forever")
            await person.until(lambda: person.shown(name))
            await first.stop()
            await start_server(port=first.port, folder="another")
            with trio.fail_after(60):
                await trio.sleep_forever()

    with trio.fail_after(60):
        await agent.ended.wait()
    assert isinstance(agent.error, LogReplacedError)
    assert agent.error.head > 0
    async with joined(url, token) as notebook:
        assert notebook.head == 0  # not even a goodbye
        person = Person(notebook, [])
        next_one = await start_agent(sync_url=url)
        name = person.request("1 + 1")
        await person.until_status(name, "completed")
        await next_one.stop()


async def test_without_a_server_the_end_is_not_waited_for_for_ever(
    start_server: StartServer,
    start_agent: StartAgent,
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = await start_server()
    limits = Limits(shutdown_timeout_s=0.2)
    agent = await start_agent(sync_url=running.server.sync_url, limits=limits)
    await running.stop()

    with trio.fail_after(3):
        await agent.stop()

    assert "did not confirm the end" in caplog.text


async def test_a_refused_token_starts_nothing(server: Server) -> None:
    config = AgentConfig(notebook_id="nb", auth_token="wrong", sync_url=server.sync_url)

    with pytest.raises(TokenRefusedError):
        await run_agent(config)  # a worker of its own would take seconds to start


async def test_cancellation_before_it_is_ready_ends_it_at_once(
    start_canned: Callable[[bytes], Awaitable[Any]],
) -> None:
    canned = await start_canned(b"")
    config = AgentConfig(notebook_id="nb", auth_token="t", sync_url=canned.sync_url)

    with trio.move_on_after(0.1) as scope:
        await run_agent(config, worker=ScriptedWorker())

    assert scope.cancelled_caught


async def test_displacement_is_raised_as_itself_even_when_cancelled_as_well(
    person: Person, server: Server
) -> None:
    async def deaf(_: ScriptedWorker, on_output: OnOutput) -> None:
        on_output(Stream(name="stdout", text="begun"))
        await trio.sleep_forever()

    config = AgentConfig(
        notebook_id="nb",
        auth_token=server.token,
        sync_url=server.sync_url,
        limits=Limits(interrupt_grace_s=0.3),
    )

    async def displace_and_cancel() -> None:
        name = person.request("deaf")
        await person.until(lambda: person.shown(name))
        other = Session(session_id="other", runtime_id="r")
        person.notebook.commit(*other.takeover([config.session_id]))
        await person.notebook.flush()
        await trio.sleep(0.1)  # the agent has heard of it and waits for the cell
        scope.cancel()

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(displace_and_cancel)
            with pytest.raises(DisplacedError, match="other"):
                await run_agent(config, worker=ScriptedWorker({"deaf": deaf}))
    assert scope.cancel_called


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
