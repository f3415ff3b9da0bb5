"""Agents that follow each other on one notebook."""

from datetime import UTC, datetime

import pytest
import trio
from notebook_rig import Person, StartAgent, deaf

from runt_agent import (
    AgentConfig,
    DisplacedError,
    Limits,
    run_agent,
)
from runt_agent._session import Session
from runt_agent.testing import ScriptedWorker
from runt_sync import Server
from runt_worker import (
    OnOutput,
    Stream,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


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


async def test_displacement_is_raised_as_itself_even_when_cancelled_as_well(
    person: Person, server: Server
) -> None:
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
