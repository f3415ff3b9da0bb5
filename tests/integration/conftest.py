"""A sync server, an agent with a sandbox of its own, and a person beside them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from runt_agent import AgentConfig, DisplacedError, Notebook, open_notebook, run_agent
from runt_protocol import (
    CellCreatedV2,
    CellSourceChanged,
    ExecutionCancelled,
    ExecutionRequested,
    LoggedEvent,
    NotebookState,
    OutputRow,
)
from runt_sync import Server, open_server
from runt_worker import Worker

TOKEN = "token-of-the-integration-tests"
TIMEOUT_S = 60


class Person:
    """A client that creates cells, requests executions and looks at the outcome.

    Attributes:
        notebook: Its connection.
        log: Every event of the notebook so far.
    """

    def __init__(self, notebook: Notebook, log: list[LoggedEvent]) -> None:
        self.notebook = notebook
        self.log = log
        self._cells = 0

    @property
    def state(self) -> NotebookState:
        return self.notebook.state

    def request(self, source: str, name: str | None = None) -> str:
        """Create cell `c<n>` and request it as `q<n>`; return `<n>`."""
        self._cells += 1
        name = name or str(self._cells)
        self.notebook.commit(
            CellCreatedV2(
                id=f"c{name}",
                fractional_index=f"a{name}",
                cell_type="code",
                created_by="person",
            ),
            CellSourceChanged(id=f"c{name}", source=source, modified_by="person"),
            ExecutionRequested(
                queue_id=f"q{name}",
                cell_id=f"c{name}",
                execution_count=1,
                requested_by="person",
            ),
        )
        return name

    async def run(self, source: str) -> list[OutputRow]:
        """Request a cell, wait for its end, and return its outputs."""
        name = self.request(source)
        await self.until_ended(name)
        return self.outputs(name)

    def cancel(self, name: str) -> None:
        self.notebook.commit(
            ExecutionCancelled(
                queue_id=f"q{name}",
                cell_id=f"c{name}",
                cancelled_by="person",
                reason="stop",
            )
        )

    def status(self, name: str) -> str:
        return self.state.execution_queue[f"q{name}"].status

    def outputs(self, name: str) -> list[OutputRow]:
        return self.state.outputs_of(f"c{name}")

    def text(self, name: str) -> str:
        return "".join(self.state.text_of(output) for output in self.outputs(name))

    async def until(self, predicate: Callable[[], object]) -> None:
        with trio.fail_after(TIMEOUT_S):
            await self.notebook.wait_for(lambda _: bool(predicate()))

    async def until_ended(self, name: str) -> None:
        await self.until(
            lambda: self.status(name) in {"completed", "failed", "cancelled"}
        )


class RunningAgent:
    """An agent in this process that a test can stop."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.scope = trio.CancelScope()
        self.ended = trio.Event()
        self.displaced: DisplacedError | None = None

    async def wait_ended(self) -> None:
        with trio.fail_after(TIMEOUT_S):
            await self.ended.wait()

    async def stop(self) -> None:
        self.scope.cancel()
        await self.wait_ended()


class RunningServer:
    """A server in this process that a test can stop while its clients go on."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.scope = trio.CancelScope()
        self.ended = trio.Event()

    @property
    def port(self) -> int:
        return int(self.server.base_url.rpartition(":")[2])

    async def stop(self) -> None:
        self.scope.cancel()
        await self.ended.wait()


StartAgent = Callable[..., Awaitable[RunningAgent]]
StartServer = Callable[..., Awaitable[RunningServer]]


@pytest.fixture
def start_server(nursery: trio.Nursery, tmp_path: Path) -> StartServer:
    async def run(port: int, task_status: trio.TaskStatus[RunningServer]) -> None:
        async with open_server(
            data_dir=tmp_path / "restarts", token=TOKEN, port=port
        ) as server:
            running = RunningServer(server)
            with running.scope:
                task_status.started(running)
                await trio.sleep_forever()
        running.ended.set()

    async def start(port: int = 0) -> RunningServer:
        return await nursery.start(run, port)

    return start


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with open_server(data_dir=tmp_path / "data", token=TOKEN) as server:
        yield server


@asynccontextmanager
async def person_at(sync_url: str, token: str = TOKEN) -> AsyncGenerator[Person]:
    log: list[LoggedEvent] = []
    async with open_notebook(
        sync_url=sync_url,
        notebook_id="nb",
        payload={"authToken": token},
        on_logged=log.append,
    ) as notebook:
        yield Person(notebook, log)


@pytest.fixture
def join() -> Callable[[Server], AbstractAsyncContextManager[Person]]:
    return lambda server: person_at(server.sync_url)


@pytest.fixture
def join_at() -> Callable[..., AbstractAsyncContextManager[Person]]:
    """Join at a sync URL with a token: `join_at(sync_url, token)`."""
    return person_at


@pytest.fixture
async def person(server: Server) -> AsyncGenerator[Person]:
    async with person_at(server.sync_url) as person:
        yield person


@pytest.fixture
def start_agent(nursery: trio.Nursery, server: Server) -> StartAgent:
    async def run(
        settings: dict[str, Any],
        worker: Worker | None,
        task_status: trio.TaskStatus[RunningAgent],
    ) -> None:
        config = AgentConfig(notebook_id="nb", **settings)
        agent = RunningAgent(config.session_id)

        async def work(task_status: trio.TaskStatus[str]) -> None:
            try:
                await run_agent(config, worker=worker, task_status=task_status)
            except DisplacedError as error:
                agent.displaced = error

        with agent.scope:
            async with trio.open_nursery() as inner:
                await inner.start(work)
                task_status.started(agent)
        agent.ended.set()

    async def start(
        sync_url: str = server.sync_url, worker: Worker | None = None, **settings: Any
    ) -> RunningAgent:
        settings = {"auth_token": TOKEN, **settings, "sync_url": sync_url}
        return await nursery.start(run, settings, worker)

    return start
