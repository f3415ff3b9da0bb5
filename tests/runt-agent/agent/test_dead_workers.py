"""Workers that die, and those that follow them."""

import pytest
import trio
import trio.lowlevel
from notebook_rig import Person, StartAgent, die

from runt_agent import (
    Limits,
)
from runt_agent.testing import ScriptedWorker
from runt_worker import (
    OnOutput,
    Stream,
    WorkerDiedError,
)


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
