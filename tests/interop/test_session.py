"""A notebook session: LiveStore is the person, the agent runs real cells."""

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
from notebook_rig import RunningAgent, StartAgent, cell_and_request, run_stoppable_agent

from runt_agent import AgentConfig, DisplacedError, Notebook
from runt_protocol import (
    ExecutionCancelled,
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
PRINTING: Final = "for number in range(300): print(number)"
ENDLESS: Final = "print('begun')\nwhile True: pass"


@pytest.fixture
def start_agent(nursery: trio.Nursery, sync_url: str) -> StartAgent:
    async def start() -> RunningAgent:
        config = AgentConfig(
            notebook_id=NOTEBOOK_ID, auth_token=TOKEN, sync_url=sync_url
        )
        return await nursery.start(run_stoppable_agent, config, {})

    return start


def status(notebook: Notebook, name: str) -> str | None:
    row = notebook.state.execution_queue.get(f"q{name}")
    return row and row.status


def texts(notebook: Notebook, name: str) -> list[str]:
    outputs = notebook.state.outputs_of(f"c{name}")
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

    await livestore.commit(*cell_and_request("1", RICH))
    await until(watcher, lambda: status(watcher, "1") == "completed")
    assert texts(watcher, "1") == [
        "2\n",
        "to stderr\n",
        "<b>second</b>",
        "[object Object]",
        "42",
    ]
    await livestore.commit(*cell_and_request("2", "1 / 0"))
    await until(watcher, lambda: status(watcher, "2") == "failed")
    await livestore.commit(
        MultipleExecutionRequested(
            requested_by="person",
            cells_info=[
                RequestedCell(id="c1", execution_count=2, queue_id="q3"),
                RequestedCell(id="c2", execution_count=2, queue_id="q4"),
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

    await livestore.commit(*cell_and_request("1", ENDLESS))
    await livestore.commit(*cell_and_request("2", "'the next one'"))
    await until(watcher, lambda: texts(watcher, "1") == ["begun\n"])
    await livestore.commit(
        ExecutionCancelled(
            queue_id="q1", cell_id="c1", cancelled_by="person", reason="stop"
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
    await livestore.commit(*cell_and_request("1", ENDLESS))
    await until(watcher, lambda: texts(watcher, "1") == ["begun\n"])

    newer = await start_agent()
    await older.wait_ended()
    assert isinstance(older.error, DisplacedError)
    await until(watcher, lambda: status(watcher, "1") == "failed")
    await livestore.commit(*cell_and_request("2", "'by the newer one'"))
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
    await livestore.commit(*cell_and_request("1", PRINTING))
    await until(watcher, lambda: status(watcher, "1") == "completed")

    late_livestore = await peers.livestore(sync_url, "late", folder=tmp_path / "store")
    late_runt = await peers.runt(sync_url)

    await settle(late_runt, late_livestore)
    await settle(watcher, livestore)
    assert texts(late_runt, "1") == ["".join(f"{number}\n" for number in range(300))]
