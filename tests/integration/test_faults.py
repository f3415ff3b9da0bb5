"""Servers restart, agents are killed, kernels die: the notebook goes on."""

import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest
import trio
from notebook_rig import Person, StartAgent, StartServer, person_at
from readme_example import block_of
from server_process import StartServerProcess

from runt_agent import Limits as AgentLimits
from runt_agent import _agent
from runt_sync import Server
from runt_worker import Limits, WorkerOptions, open_worker
from runt_worker.testing import DEAF

PATIENT = """
import asyncio
print("before")
await asyncio.sleep(1)
print("after")
"""


@asynccontextmanager
async def example_of_the_readme(
    server: Server, tmp_path: Path
) -> AsyncGenerator[trio.Process]:
    """Run the README's example as a program of its own."""
    script = tmp_path / "agent.py"
    script.write_text(block_of("runt-agent", "python"))
    environment = os.environ | {
        "NOTEBOOK_ID": "nb",
        "AUTH_TOKEN": server.token,
        "LIVESTORE_SYNC_URL": server.sync_url,
    }
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            partial(
                trio.run_process,
                [sys.executable, "-W", "error", str(script)],
                env=environment,
                check=False,
            )
        )
        yield process
        with trio.fail_after(20):
            await process.wait()


async def test_the_example_of_the_readme_ends_well_when_told_to(
    person: Person, server: Server, tmp_path: Path
) -> None:
    async with example_of_the_readme(server, tmp_path) as process:
        [result] = await person.run("6 * 7")
        assert result.data == "42"
        name = person.request("print('begun')\nwhile True: pass")
        await person.until(lambda: "begun" in person.text(name))

        process.send_signal(signal.SIGTERM)
        await person.until(
            lambda: not any(r.is_active for r in person.state.runtime_sessions.values())
        )

    assert process.returncode == 0
    assert person.status(name) == "failed"
    assert "KeyboardInterrupt" in person.text(name)
    assert '"reason":"shutdown"' in str(person.log[-1].args_text)


async def test_what_a_killed_agent_left_fails_and_the_next_one_goes_on(
    person: Person, server: Server, start_agent: StartAgent, tmp_path: Path
) -> None:
    async with example_of_the_readme(server, tmp_path) as process:
        name = person.request("print('begun')\nwhile True: pass")
        await person.until(lambda: "begun" in person.text(name))
        waiting = person.request("'not lost'")
        process.kill()

    await start_agent()
    await person.until_ended(waiting)

    assert (person.status(name), person.status(waiting)) == ("failed", "completed")
    endings = [e for e in person.log if e.name == "v1.ExecutionCompleted"]
    assert "ended before this cell was done; run it again" in str(endings[0].args_text)
    assert person.text(waiting) == "'not lost'"


async def test_a_kernel_that_dies_takes_its_cell_with_it_and_no_other(
    person: Person, start_agent: StartAgent
) -> None:
    async with open_worker() as worker:
        agent = await start_agent(worker=worker)
        await person.run("lost = 1")
        died = person.request("print('begun')\nwhile True: pass")
        await person.until(lambda: "begun" in person.text(died))

        os.kill(worker.pid, signal.SIGKILL)
        await person.until_ended(died)
        [error] = await person.run("lost")
        await agent.stop()

    assert person.status(died) == "failed"
    assert "state of the notebook's Python is gone" in person.text(died)
    assert "NameError" in str(error.data)


async def test_a_cell_that_goes_on_when_it_is_cancelled_is_killed_and_the_queue_goes_on(
    person: Person, start_agent: StartAgent
) -> None:
    options = WorkerOptions(limits=Limits(interrupt_grace_s=0.5))
    async with open_worker(options) as worker:
        agent = await start_agent(worker=worker)
        await person.run("lost = 1")
        deaf = person.request(DEAF)
        await person.until(lambda: "begun" in person.text(deaf))

        person.cancel(deaf)
        [error] = await person.run("lost")
        await agent.stop()

    assert person.status(deaf) == "cancelled"
    assert "did not end within 0.5 s of being told to stop" in person.text(deaf)
    assert "state of the notebook's Python is gone" in person.text(deaf)
    assert "NameError" in str(error.data)
    changes = [
        event.args_text
        for event in person.log
        if event.name == "v1.RuntimeSessionStatusChanged"
    ]
    assert ["restarting" in str(change) for change in changes][-2:] == [True, False]


async def test_a_server_that_restarts_loses_nothing(
    start_server: StartServer, start_agent: StartAgent
) -> None:
    first = await start_server()
    agent = await start_agent(first.server.sync_url)
    async with person_at(first.server.sync_url) as person:
        name = person.request(PATIENT)
        await person.until(lambda: person.text(name) == "before\n")

        await first.stop()
        await trio.sleep(1.2)  # the cell ends meanwhile
        await start_server(first.port)

        await person.until_ended(name)
        assert person.text(name) == "before\nafter\n"
        [result] = await person.run("'on we go'")
        assert result.data == "'on we go'"
        await agent.stop()


async def test_all_go_on_by_themselves_when_the_server_is_killed_and_comes_back(
    start_server_process: StartServerProcess,
    start_agent: StartAgent,
) -> None:
    server = await start_server_process()
    agent = await start_agent(server.sync_url, auth_token=server.token)
    async with (
        person_at(server.sync_url, server.token) as person,
        person_at(server.sync_url, server.token) as other,
    ):
        name = person.request(PATIENT)
        await person.until(lambda: person.text(name) == "before\n")

        await server.kill()
        waiting = other.request("'asked for while nobody listened'", name="2")
        await trio.sleep(1.2)  # the cell ends meanwhile
        await server.start()

        await other.until_ended(name)
        await other.until_ended(waiting)
        await person.until(lambda: len(person.log) == len(other.log))
        assert person.text(name) == other.text(name) == "before\nafter\n"
        assert person.text(waiting) == "'asked for while nobody listened'"
        assert other.state.tables() == person.state.tables()
        await agent.stop()
    names = [event.name for event in person.log]
    assert names.count("v1.RuntimeSessionStarted") == 1  # still the same session
    assert names.count("v1.ExecutionCompleted") == 2


async def test_a_wall_clock_that_jumps_disturbs_nobody(
    person: Person, start_agent: StartAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = cycle(
        datetime(year, 1, 1, tzinfo=UTC) for year in (2026, 1970, 2100, 2026, 1999)
    )
    monkeypatch.setattr(_agent, "_now", lambda: next(moments))
    limits = AgentLimits(renewal_interval_s=0.05)
    agent = await start_agent(limits=limits)
    for number in range(5):
        [result] = await person.run(f"{number} + 1")
        assert result.data == str(number + 1)
    other = await start_agent(limits=limits)  # newer, whatever the clock says
    await agent.wait_ended()
    [result] = await person.run("6 * 7")
    await other.stop()

    assert result.data == "42"
    durations = [
        json.loads(event.args_text or "")["executionDurationMs"]
        for event in person.log
        if event.name == "v1.ExecutionCompleted"
    ]
    assert len(durations) == 6
    assert all(0 <= duration < 60_000 for duration in durations)
