"""How an agent ends, and what it leaves."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from notebook_rig import Person, StartAgent, StartServer, deaf, forever

from runt_agent import (
    AgentConfig,
    Limits,
    TokenRefusedError,
    run_agent,
)
from runt_agent.testing import ScriptedWorker
from runt_protocol import (
    ExecutionAssigned,
)
from runt_sync import Server


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
