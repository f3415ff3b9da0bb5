"""Executions that somebody cancels."""

from notebook_rig import Person, StartAgent, forever

from runt_agent.testing import ScriptedWorker
from runt_protocol import (
    AllExecutionsCancelled,
    ExecutionAssigned,
)


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
