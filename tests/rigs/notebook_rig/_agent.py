"""An agent in this process that a test can stop."""

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from runt_agent import (
    AgentConfig,
    DisplacedError,
    LogReplacedError,
    run_agent,
)
from runt_worker import WorkerDiedError

from ._person import TIMEOUT_S


class RunningAgent:
    """An agent; what it raised in its own end is kept.

    Attributes:
        session_id: Its session.
        ended: Set when it has ended.
        error: What it raised, or None.
    """

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


StartAgent = Callable[..., Awaitable[RunningAgent]]


async def run_stoppable_agent(
    config: AgentConfig,
    options: dict[str, Any],
    *,
    task_status: trio.TaskStatus[RunningAgent],
) -> None:
    """Run an agent until it is stopped or ends by itself.

    Args:
        config: What it serves.
        options: More for `run_agent`.
        task_status: Is given the agent when it has started.
    """
    agent = RunningAgent(config.session_id)

    async def work(task_status: trio.TaskStatus[str]) -> None:
        try:
            await run_agent(config, task_status=task_status, **options)
        except (DisplacedError, LogReplacedError, WorkerDiedError) as error:
            agent.error = error

    with agent.scope:
        async with trio.open_nursery() as nursery:
            assert await nursery.start(work) == config.session_id
            task_status.started(agent)
    agent.ended.set()
