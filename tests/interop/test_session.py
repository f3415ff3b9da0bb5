"""A notebook session: LiveStore is the person, the agent runs real cells."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
import trio
from livestore_rig import (
    NOTEBOOK_ID,
    TIMEOUT_S,
    TOKEN,
    LiveStoreClient,
    Peers,
    until,
)

from runt_agent import AgentConfig, DisplacedError, Notebook, run_agent
from runt_protocol import (
    CellCreatedV2,
    CellSourceChanged,
    ExecutionCancelled,
    ExecutionRequested,
    MultipleExecutionRequested,
    RequestedCell,
)

RICH: Final = """
import sys
from IPython.display import HTML, clear_output, display

for number in range(3):
    clear_output(wait=True)
    print(number)
print("to stderr", file=sys.stderr)
handle = display(HTML("<b>first</b>"), display_id=True)
handle.update(HTML("<b>second</b>"))
display({"application/json": {"pi": 3.14, "one": 1.0}}, raw=True)
6 * 7
"""
ENDLESS: Final = "print('begun')\nwhile True: pass"


class Agent:
    """An agent in this process.

    Attributes:
        session_id: Its session.
        displaced: Set once another one has taken the notebook over.
    """

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.displaced = trio.Event()


StartAgent = Callable[[], Awaitable[Agent]]


@pytest.fixture
def start_agent(nursery: trio.Nursery, sync_url: str) -> StartAgent:
    async def run(agent: Agent, task_status: trio.TaskStatus[str]) -> None:
        config = AgentConfig(
            notebook_id=NOTEBOOK_ID,
            auth_token=TOKEN,
            sync_url=sync_url,
            session_id=agent.session_id,
        )
        try:
            await run_agent(config, task_status=task_status)
        except DisplacedError:
            agent.displaced.set()

    numbers = iter(("first", "second"))

    async def start() -> Agent:
        agent = Agent(f"session-{next(numbers)}")
        await nursery.start(run, agent)
        return agent

    return start


async def request(livestore: LiveStoreClient, name: str, source: str) -> None:
    """Create the cell `c-<name>` and request it as `q-<name>`."""
    await livestore.commit(
        CellCreatedV2(
            id=f"c-{name}",
            fractional_index=f"a{name}",
            cell_type="code",
            created_by="person",
        ),
        CellSourceChanged(id=f"c-{name}", source=source, modified_by="person"),
        ExecutionRequested(
            queue_id=f"q-{name}",
            cell_id=f"c-{name}",
            execution_count=1,
            requested_by="person",
        ),
    )


def status(notebook: Notebook, name: str) -> str | None:
    row = notebook.state.execution_queue.get(f"q-{name}")
    return row and row.status


def texts(notebook: Notebook, name: str) -> list[str]:
    outputs = notebook.state.outputs_of(f"c-{name}")
    return [notebook.state.text_of(output) for output in outputs]


async def settle(notebook: Notebook, livestore: LiveStoreClient) -> None:
    """See both agree although the agent may still have something to say."""
    with trio.fail_after(TIMEOUT_S):
        while True:
            head = notebook.head
            await livestore.wait_head(head)
            tables = await livestore.tables()
            if notebook.head == head == await livestore.head():
                assert tables == notebook.state.tables()
                return


async def test_cells_that_livestore_requests_come_back_with_their_outputs(
    sync_url: str, start_agent: StartAgent, peers: Peers
) -> None:
    livestore = await peers.livestore(sync_url)
    await start_agent()
    watcher = await peers.runt(sync_url)

    await request(livestore, "1", RICH)
    await until(watcher, lambda: status(watcher, "1") == "completed")
    assert texts(watcher, "1") == [
        "2\n",
        "to stderr\n",
        "<b>second</b>",
        "[object Object]",
        "42",
    ]
    await request(livestore, "2", "1 / 0")
    await until(watcher, lambda: status(watcher, "2") == "failed")
    await livestore.commit(
        MultipleExecutionRequested(
            requested_by="person",
            cells_info=[
                RequestedCell(id="c-1", execution_count=2, queue_id="q-3"),
                RequestedCell(id="c-2", execution_count=2, queue_id="q-4"),
            ],
        )
    )
    await until(watcher, lambda: status(watcher, "4") == "failed")

    assert status(watcher, "3") == "completed"
    await settle(watcher, livestore)


async def test_livestore_cancels_a_cell_and_the_next_one_runs(
    sync_url: str, start_agent: StartAgent, peers: Peers
) -> None:
    livestore = await peers.livestore(sync_url)
    await start_agent()
    watcher = await peers.runt(sync_url)

    await request(livestore, "1", ENDLESS)
    await request(livestore, "2", "'the next one'")
    await until(watcher, lambda: texts(watcher, "1") == ["begun\n"])
    await livestore.commit(
        ExecutionCancelled(
            queue_id="q-1", cell_id="c-1", cancelled_by="person", reason="stop"
        )
    )
    await until(watcher, lambda: status(watcher, "2") == "completed")

    assert status(watcher, "1") == "cancelled"
    assert texts(watcher, "2") == ["'the next one'"]
    await settle(watcher, livestore)


async def test_a_newer_agent_takes_the_notebook_over_from_an_older_one(
    sync_url: str, start_agent: StartAgent, peers: Peers
) -> None:
    livestore = await peers.livestore(sync_url)
    older = await start_agent()
    watcher = await peers.runt(sync_url)
    await request(livestore, "1", ENDLESS)
    await until(watcher, lambda: texts(watcher, "1") == ["begun\n"])

    newer = await start_agent()
    with trio.fail_after(TIMEOUT_S):
        await older.displaced.wait()
    await until(watcher, lambda: status(watcher, "1") == "failed")
    await request(livestore, "2", "'by the newer one'")
    await until(watcher, lambda: status(watcher, "2") == "completed")

    sessions = watcher.state.runtime_sessions
    assert not sessions[older.session_id].is_active
    assert sessions[newer.session_id].is_active
    await settle(watcher, livestore)


async def test_whoever_joins_later_sees_the_same_notebook(
    sync_url: str, start_agent: StartAgent, peers: Peers, tmp_path: Path
) -> None:
    livestore = await peers.livestore(sync_url)
    await start_agent()
    watcher = await peers.runt(sync_url)
    await request(livestore, "1", "for number in range(300): print(number)")
    await until(watcher, lambda: status(watcher, "1") == "completed")

    late_livestore = await peers.livestore(sync_url, "late", folder=tmp_path / "store")
    late_runt = await peers.runt(sync_url)

    await settle(late_runt, late_livestore)
    await settle(watcher, livestore)
    assert texts(late_runt, "1") == ["".join(f"{number}\n" for number in range(300))]
