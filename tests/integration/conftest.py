"""A sync server, an agent with a sandbox of its own, and a person beside them."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import trio
from notebook_rig import (
    NOTEBOOK_ID,
    TOKEN,
    Person,
    RunningAgent,
    RunningServer,
    StartAgent,
    StartServer,
    person_at,
    run_stoppable_agent,
    run_stoppable_server,
)

from runt_agent import AgentConfig
from runt_sync import Server, open_server
from runt_worker import Worker


@pytest.fixture
def start_server(nursery: trio.Nursery, tmp_path: Path) -> StartServer:
    async def start(port: int = 0) -> RunningServer:
        return await nursery.start(
            run_stoppable_server, tmp_path / "restarts", TOKEN, port
        )

    return start


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with open_server(data_dir=tmp_path / "data", token=TOKEN) as server:
        yield server


@pytest.fixture
async def person(server: Server) -> AsyncGenerator[Person]:
    async with person_at(server.sync_url) as person:
        yield person


@pytest.fixture
def start_agent(nursery: trio.Nursery, server: Server) -> StartAgent:
    """Start an agent: `await start_agent(sync_url, worker=…, limits=…)`."""

    async def start(
        sync_url: str = server.sync_url, worker: Worker | None = None, **settings: Any
    ) -> RunningAgent:
        settings = {"auth_token": TOKEN, **settings, "sync_url": sync_url}
        config = AgentConfig(notebook_id=NOTEBOOK_ID, **settings)
        return await nursery.start(run_stoppable_agent, config, {"worker": worker})

    return start
