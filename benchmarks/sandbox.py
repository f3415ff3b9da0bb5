"""What is measured: the `runt` command, the worker, and the whole way of a cell."""

import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import trio

from runt_agent import AgentConfig, Notebook, open_notebook, run_agent
from runt_protocol import (
    CellCreatedV2,
    CellSourceChanged,
    ExecutionRequested,
    NotebookState,
)
from runt_sync import open_server
from runt_worker import Output, Worker

_ENDED = ("completed", "failed", "cancelled")

RunCell = Callable[[str], Awaitable[float]]


def cold_start_s() -> float:
    """Return seconds from the spawn of ``runt exec`` until its first result is here."""
    return exec_s("20 + 22", "42")


def exec_s(code: str, expected: str) -> float:
    """Return seconds from the spawn of ``runt exec`` until it prints a line."""
    started = time.perf_counter()
    with subprocess.Popen(
        [Path(sys.executable).with_name("runt"), "exec", code],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdout is None:
            raise RuntimeError("runt was started without a pipe")
        line = process.stdout.readline()
        elapsed = time.perf_counter() - started
        process.stdout.read()
    if line.strip() != expected:
        raise RuntimeError(f"runt exec printed {line!r}, not {expected}")
    return elapsed


async def run_cell(worker: Worker, code: str) -> tuple[float, int]:
    """Run a cell in a worker.

    Returns:
        Seconds until its reply, and how many messages came before.
    """
    outputs: list[Output] = []
    started = time.perf_counter()
    reply = await worker.execute(code, outputs.append)
    elapsed = time.perf_counter() - started
    if reply.status != "ok":
        raise RuntimeError(f"the cell failed: {reply}")
    return elapsed, len(outputs)


@asynccontextmanager
async def open_synced_cells(worker: Worker) -> AsyncGenerator[RunCell]:
    """Yield a function that sends a cell the whole way and returns the seconds.

    The way: a client, the embedded sync server, an agent, the sandbox, and back.
    """
    notebook_id = f"benchmark-{uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as directory:
        async with (
            open_server(data_dir=Path(directory)) as server,
            trio.open_nursery() as nursery,
        ):
            config = AgentConfig(
                notebook_id=notebook_id,
                auth_token=server.token,
                sync_url=server.sync_url,
            )
            await nursery.start(partial(run_agent, config, worker=worker))
            async with open_notebook(
                sync_url=server.sync_url,
                notebook_id=notebook_id,
                payload={"authToken": server.token},
            ) as notebook:
                yield partial(_run_synced, notebook)
            nursery.cancel_scope.cancel()


async def _run_synced(notebook: Notebook, code: str) -> float:
    cell_id, queue_id = f"cell-{uuid4()}", f"queue-{uuid4()}"
    notebook.commit(
        CellCreatedV2(
            id=cell_id, fractional_index="a0", cell_type="code", created_by="bench"
        ),
        CellSourceChanged(id=cell_id, source=code, modified_by="bench"),
    )
    await notebook.flush()
    request = ExecutionRequested(
        queue_id=queue_id, cell_id=cell_id, execution_count=1, requested_by="bench"
    )
    started = time.perf_counter()
    notebook.commit(request)

    def has_ended(state: NotebookState) -> bool:
        return state.execution_queue[queue_id].status in _ENDED

    await notebook.wait_for(has_ended)
    return time.perf_counter() - started
