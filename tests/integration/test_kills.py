"""Sandboxes are killed at random moments: every execution ends, and ends once.

50 times in a usual run; ``--kills 10000`` of pytest for a night.
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest
import trio
from notebook_rig import Person, StartAgent

from runt_protocol import ExecutionCompleted, decode_event
from runt_worker import Worker, WorkerClosedError, open_worker

SOURCES = (
    "1 + 1",
    "print('x' * 100_000)",
    "for i in range(2000): print(i)",
    "import time; time.sleep(0.2)",
    "import asyncio; await asyncio.sleep(0.2)",
    "display({}, display_id='d')",
    "open('/outputs/file', 'w').write('x' * 300_000)",
    "1 / 0",
    "while True: pass",
    "while True: print('x' * 1000)",
)
WAITING = 4
"""So many executions wait or run at any time, so that each kill meets one."""

LONGEST_LIFE_S = 0.4
"""From a sandbox's start to its end: shorter and longer than most of the cells."""

RESTART_S = 60.0


async def test_kills_at_random_moments_leave_no_execution_stuck_or_done_twice(
    person: Person, start_agent: StartAgent, pytestconfig: pytest.Config
) -> None:
    kills = pytestconfig.option.kills
    rng = random.Random(20261126)  # noqa: S311 - no secret
    names: list[str] = []
    async with open_worker() as worker:
        agent = await start_agent(worker=worker)

        def keep_busy() -> None:
            while sum(not ended(person, name) for name in names[-20:]) < WAITING:
                names.append(person.request(rng.choice(SOURCES)))

        for _ in range(kills):
            keep_busy()
            await trio.sleep(rng.uniform(0, LONGEST_LIFE_S))
            await kill(worker, keep_busy)
        for name in names:
            if not ended(person, name):
                person.cancel(name)  # some have no end of their own
        last = person.request("'still there'")
        await person.until_ended(last)
        for name in names:
            await person.until_ended(name)
        await agent.stop()

    assert person.text(last) == "'still there'"
    completions = Counter(
        event.queue_id
        for logged in person.log
        if isinstance(
            event := decode_event(logged.name, logged.args_text), ExecutionCompleted
        )
    )
    assert set(completions.values()) == {1}
    statuses = Counter(person.status(name) for name in names)
    assert statuses["failed"] >= kills // 3  # the kills did meet cells
    died = sum("was ended by SIGKILL" in person.text(name) for name in names)
    assert died >= kills // 3


def ended(person: Person, name: str) -> bool:
    return person.status(name) in {"completed", "failed", "cancelled"}


async def kill(worker: Worker, keep_busy: Callable[[], None]) -> None:
    """Kill a sandbox, and wait for the next one, which an execution calls for."""
    pid = await pid_of(worker)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with trio.fail_after(RESTART_S):
        while await pid_of(worker) == pid:
            keep_busy()
            await trio.sleep(0.01)


async def pid_of(worker: Worker) -> int:
    while True:
        with suppress(WorkerClosedError):  # it is being restarted
            return worker.pid
        await trio.sleep(0.01)
