"""Measure a notebook's agent under floods of output: ``hatch run bench-output``.

A cell that prints for ever: how much memory the agent has meanwhile, what reaches the
notebook's log, and how soon the cell ends when it is cancelled. Then a cell that prints
a gigabyte: what is kept of it, and what is said about the rest.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from runt_agent import Notebook, open_notebook
from runt_protocol import (
    CellCreatedV2,
    CellSourceChanged,
    ExecutionCancelled,
    ExecutionRequested,
    LoggedEvent,
)
from runt_sync import open_server

_TOKEN = "token-of-the-benchmark"  # noqa: S105 - of a server that nobody else reaches
_RUNT = Path(sys.executable).with_name("runt")
_MEBIBYTE = 1024 * 1024
_FLOOD = "while True: print('x' * 1000)"
_GIGABYTE = "for _ in range(1_000_000): print('x' * 999)"


def memory_mb(pid: int) -> float:
    """Return what a process has of the memory, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the agent has ended")


@asynccontextmanager
async def open_agent(
    directory: Path, log: list[LoggedEvent]
) -> AsyncGenerator[tuple[Notebook, int]]:
    """Start a server and an agent as a process; give notebook and process id."""
    async with (
        open_server(data_dir=directory, token=_TOKEN) as server,
        open_notebook(
            sync_url=server.sync_url,
            notebook_id="nb",
            payload={"authToken": _TOKEN},
            on_logged=log.append,
        ) as notebook,
    ):
        agent = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
            [_RUNT, "--notebook", "nb", "--sync-url", server.sync_url],
            env=os.environ | {"AUTH_TOKEN": _TOKEN},
            stderr=subprocess.DEVNULL,
        )
        try:
            yield notebook, agent.pid
        finally:
            agent.terminate()
            await trio.to_thread.run_sync(agent.wait)


def request(notebook: Notebook, name: str, source: str) -> None:
    """Request a cell."""
    notebook.commit(
        CellCreatedV2(
            id=name, fractional_index=name, cell_type="code", created_by="person"
        ),
        CellSourceChanged(id=name, source=source, modified_by="person"),
        ExecutionRequested(
            queue_id=name, cell_id=name, execution_count=1, requested_by="person"
        ),
    )


async def until_ended(notebook: Notebook, name: str) -> None:
    """Wait for the end of a cell."""
    ends = {"completed", "failed", "cancelled"}
    await notebook.wait_for(lambda state: state.execution_queue[name].status in ends)


async def flood(notebook: Notebook, pid: int, seconds: float) -> None:
    """Let a cell print for so long, and stop it."""
    request(notebook, "a1", "'warm'")
    await until_ended(notebook, "a1")
    request(notebook, "a2", _FLOOD)
    at_rest, seen = memory_mb(pid), list[float]()
    for _ in range(int(seconds)):
        await trio.sleep(1)
        seen.append(memory_mb(pid))
    cancelled = time.perf_counter()
    notebook.commit(
        ExecutionCancelled(
            queue_id="a2", cell_id="a2", cancelled_by="person", reason="enough"
        )
    )
    request(notebook, "a3", "'on we go'")
    await until_ended(notebook, "a3")
    next_s = time.perf_counter() - cancelled
    late = seen[len(seen) // 2 :]
    print(f"agent's memory at rest:                 {at_rest:8.1f} MB")
    print(f"highest while a cell prints for {seconds:3g} s:   {max(seen):8.1f} MB")
    print(f"growth in the second half:              {late[-1] - late[0]:8.1f} MB")
    print(f"from cancelling to the next result:     {next_s * 1000:8.0f} ms")


async def gigabyte(notebook: Notebook, log: list[LoggedEvent]) -> None:
    """Let a cell print a gigabyte."""
    before, started = len(log), time.perf_counter()
    request(notebook, "a4", _GIGABYTE)
    await until_ended(notebook, "a4")
    took_s = time.perf_counter() - started
    state = notebook.state
    texts = {
        name: "".join(
            state.text_of(row)
            for row in state.outputs_of("a4")
            if row.stream_name == name
        )
        for name in ("stdout", "stderr")
    }
    whole = "x" * 999 + "\n"
    kept = texts["stdout"]
    is_whole = kept == (whole * (len(kept) // 1000 + 1))[: len(kept)]
    sizes = [len(logged.args_text or "") for logged in log[before:]]
    print(
        f"of 1 GB, kept without a gap ({is_whole}):     {len(kept) / _MEBIBYTE:8.1f} MB"
    )
    print(f"events:                                 {len(sizes):8}")
    print(f"largest event:                          {max(sizes):8,} bytes")
    print(f"took:                                   {took_s:8.1f} s")
    print(f"said:{texts['stderr'].replace(chr(10) * 2, chr(10))}")


async def measure(seconds: float, directory: Path) -> None:
    """Run both."""
    log: list[LoggedEvent] = []
    async with open_agent(directory, log) as (notebook, pid):
        await flood(notebook, pid, seconds)
        await gigabyte(notebook, log)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        trio.run(measure, arguments.seconds, Path(directory))


if __name__ == "__main__":
    main()
