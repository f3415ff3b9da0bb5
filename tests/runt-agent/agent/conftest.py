"""A person at a real sync server, and agents with scripted workers."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio
from notebook_rig import (
    NOTEBOOK_ID,
    Person,
    RunningAgent,
    StartAgent,
    person_at,
    run_stoppable_agent,
)

from runt_agent import AgentConfig, Limits
from runt_agent.testing import ScriptedWorker
from runt_sync import Server


@pytest.fixture
async def person(server: Server) -> AsyncGenerator[Person]:
    async with person_at(server.sync_url) as person:
        yield person


@pytest.fixture
def start_agent(nursery: trio.Nursery, server: Server) -> StartAgent:
    """Start an agent: `await start_agent(worker, limits=…, sync_url=…)`."""

    async def start(
        worker: ScriptedWorker | None = None,
        *,
        sync_url: str = server.sync_url,
        limits: Limits | None = None,
        **options: Any,
    ) -> RunningAgent:
        config = AgentConfig(
            notebook_id=NOTEBOOK_ID,
            auth_token=server.token,
            sync_url=sync_url,
            limits=limits or Limits(),
        )
        options["worker"] = worker or ScriptedWorker()
        return await nursery.start(run_stoppable_agent, config, options)

    return start
