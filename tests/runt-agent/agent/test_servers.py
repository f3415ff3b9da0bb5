"""Agents whose server restarts, with its notebook or without."""

import pytest
import trio
from notebook_rig import StartAgent, StartServer, forever, person_at

from runt_agent import (
    Limits,
    LogReplacedError,
)
from runt_agent.testing import ScriptedWorker
from runt_worker import (
    OnOutput,
    Stream,
)


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
    async with person_at(url, token) as person:
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
        async with person_at(url, token) as person:
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
    async with person_at(url, token) as person:
        assert person.notebook.head == 0  # not even a goodbye
        next_one = await start_agent(sync_url=url)
        name = person.request("1 + 1")
        await person.until_status(name, "completed")
        await next_one.stop()
