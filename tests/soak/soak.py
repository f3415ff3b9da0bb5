"""A soak: random cells and random harm for some minutes, then a reckoning.

``hatch run soak`` runs a real server and a real agent with a real sandbox, requests
cells without end, and meanwhile cancels, kills sandboxes, and stops, kills and starts
agents. It ends with a report, and with status 0 if nothing was lost: every execution
reached one terminal state and showed what it should, no process and no temporary file
is left, and the agent has not grown.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import trio
from agent_process import MEBIBYTE, AgentProcess, Usage
from cells import Cell, draw_cell
from verdict import cell_id, faults, is_ended, queue_id

from runt_agent import Notebook, open_notebook
from runt_protocol import (
    AllExecutionsCancelled,
    CellCreatedV2,
    CellSourceChanged,
    ExecutionCancelled,
    ExecutionRequested,
    LoggedEvent,
)
from runt_sync import open_server

TOKEN: Final = "token-of-the-soak"
MAX_OPEN: Final = 8
"""So many executions are open at a time; more would only wait in the queue."""

PAUSE_S: Final = 0.4
"""The longest pause between two deeds."""

MOST_STARTS_KILLED: Final = 2
"""So many sandboxes in a row are killed while they start. An agent gives up when four
have died so, and those kills that the notebook does not show yet count with it."""

SETTLE_S: Final = 90.0
"""Within that all open executions end, and so do the processes of a killed agent."""

NEXT_AGENT: Final = 0.08
"""How often a deed is the end of the agent, and the start of the next one."""

ONE_AGENT: Final = 0.4
"""From this part of the time on one agent lives to the end."""

WARM: Final = 0.6
"""From this part of the time on it should not grow any more."""

MAX_GROWTH: Final = 48 * MEBIBYTE
"""What allocators keep for later; what is leaked per cell would soon be more."""

MEMORY_PER_LOGGED: Final = 3
"""So many bytes the agent may take for one of the log: it holds the notebook."""

MAX_MORE_DESCRIPTORS: Final = 8


class Measured(NamedTuple):
    """What the agent had of the machine, and how large the log was."""

    usage: Usage
    logged_bytes: int


class Soak:
    """One run. Its numbers stand in `counts`."""

    def __init__(
        self,
        rng: random.Random,
        notebook: Notebook,
        agent: AgentProcess,
        log: list[LoggedEvent],
    ) -> None:
        """Do nothing yet.

        Args:
            rng: Where chance comes from.
            notebook: The notebook, joined as a person's client.
            agent: The agent, not started.
            log: Every event of the notebook.
        """
        self._rng = rng
        self._notebook = notebook
        self._agent = agent
        self._log = log
        self._sessions: set[str] = set()
        self.cells: list[Cell] = []
        self.cancelled: set[int] = set()
        self.counts = Counter[str]()
        self.measured: list[Measured] = []
        self.faults: list[str] = []
        self._starts_killed = 0

    async def run(self, seconds: float) -> None:
        """Do random deeds for so long, and wait until all has settled."""
        await self._start_agent()
        start = time.monotonic()
        await self._do_until(start + seconds * ONE_AGENT, self._any_deed)
        await self._kill_agent()
        await self._start_agent()
        await self._do_until(start + seconds * WARM, self._deed_to_the_sandbox)
        await self._settle()
        self._measure()
        await self._do_until(start + seconds, self._deed_to_the_sandbox)
        await self._settle()
        self._measure()
        await self._until("children are not reaped", lambda: not self._agent.zombies())
        await self._stop_agent()
        await self._no_sandbox()
        if leftovers := self._agent.leftovers():
            self.faults.append(f"temporary files are left: {leftovers}")

    async def _settle(self) -> None:
        """Wait until every execution has ended."""
        with trio.move_on_after(SETTLE_S):
            await self._notebook.wait_for(lambda _: not self._open())

    def _measure(self) -> None:
        logged = sum(len(event.args_text or "") for event in self._log)
        self.measured.append(Measured(self._agent.usage(), logged))

    async def _do_until(self, end: float, deed: Callable[[], Awaitable[None]]) -> None:
        while time.monotonic() < end:
            while len(self._open()) < self._rng.randint(1, MAX_OPEN):
                self._request()
            await deed()
            with trio.move_on_after(self._rng.uniform(0, PAUSE_S)):
                await self._notebook.wait_for(lambda _: not self._open())
            if self._agent.has_ended:
                said = self._agent.last_words()
                self.faults.append(f"the agent ended by itself, {said}")
                await self._start_agent()

    async def _any_deed(self) -> None:
        if self._rng.random() < NEXT_AGENT:
            kill = self._rng.choice([True, False])
            await (self._kill_agent if kill else self._stop_agent)()
            await self._start_agent()
        else:
            await self._deed_to_the_sandbox()

    async def _deed_to_the_sandbox(self) -> None:
        [deed] = self._rng.choices(
            [self._look_on, self._cancel_one, self._cancel_all, self._kill_sandbox],
            [70, 20, 2, 12],
        )
        await deed()

    async def _look_on(self) -> None:
        await trio.lowlevel.checkpoint()

    def _open(self) -> list[Cell]:
        state = self._notebook.state
        return [
            cell for cell in self.cells[-5 * MAX_OPEN :] if not is_ended(state, cell)
        ]

    def _request(self) -> None:
        cell = draw_cell(self._rng, len(self.cells) + 1)
        self.cells.append(cell)
        self.counts["cells requested"] += 1
        cell_is, queue_is = cell_id(cell.number), queue_id(cell.number)
        self._notebook.commit(
            CellCreatedV2(
                id=cell_is,
                fractional_index=f"a{cell.number:06}x",
                cell_type="code",
                created_by="soak",
            ),
            CellSourceChanged(id=cell_is, source=cell.source, modified_by="soak"),
            ExecutionRequested(
                queue_id=queue_is,
                cell_id=cell_is,
                execution_count=1,
                requested_by="soak",
            ),
        )

    async def _cancel_one(self) -> None:
        await trio.lowlevel.checkpoint()
        if not (candidates := self._open()):
            return
        cell = self._rng.choice(candidates)
        self.cancelled.add(cell.number)
        self.counts["cancelled"] += 1
        self._notebook.commit(
            ExecutionCancelled(
                queue_id=queue_id(cell.number),
                cell_id=cell_id(cell.number),
                cancelled_by="soak",
                reason="by chance",
            )
        )

    async def _cancel_all(self) -> None:
        await trio.lowlevel.checkpoint()
        self.cancelled.update(cell.number for cell in self._open())
        self.counts["all cancelled"] += 1
        self._notebook.commit(AllExecutionsCancelled())

    async def _kill_sandbox(self) -> None:
        await trio.lowlevel.checkpoint()
        self._starts_killed = self._starts_killed + 1 if self._is_starting() else 0
        if self._starts_killed > MOST_STARTS_KILLED:
            return
        for pid in self._agent.sandboxes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.counts["sandboxes killed"] += 1

    def _is_starting(self) -> bool:
        sessions = self._notebook.state.runtime_sessions.values()
        return any(row.status == "restarting" for row in sessions)

    async def _kill_agent(self) -> None:
        self.counts["agents killed"] += 1
        await self._agent.kill()
        await self._no_sandbox()

    async def _stop_agent(self) -> None:
        self.counts["agents stopped"] += 1
        await self._agent.stop()
        if status := self._agent.statuses[-1]:
            self.faults.append(f"an agent that was stopped ended with status {status}")
        await self._no_sandbox()

    async def _start_agent(self) -> None:
        self.counts["agents started"] += 1
        self._agent.start()

        def has_come() -> bool:
            sessions = self._notebook.state.runtime_sessions.values()
            return self._agent.has_ended or any(
                row.status == "ready" and row.session_id not in self._sessions
                for row in sessions
            )

        with trio.fail_after(SETTLE_S):
            await self._notebook.wait_for(lambda _: has_come())
        self._sessions.update(self._notebook.state.runtime_sessions)

    async def _no_sandbox(self) -> None:
        """Wait until no sandbox is left; they end by themselves without their agent."""
        fault = "a sandbox goes on without its agent"
        await self._until(fault, lambda: not self._agent.sandboxes())

    async def _until(self, fault: str, is_well: Callable[[], bool]) -> None:
        with trio.move_on_after(SETTLE_S):
            while not is_well():  # noqa: ASYNC110 - nothing tells of it
                await trio.sleep(0.02)
            return
        self.faults.append(fault)


@asynccontextmanager
async def open_soak(
    rng: random.Random, directory: Path, log: list[LoggedEvent]
) -> AsyncGenerator[tuple[Soak, Notebook, AgentProcess]]:
    """Start a server, and join a notebook of its; nothing of them outlives the block.

    Args:
        rng: where chance comes from.
        directory: for the server and the agent; it exists.
        log: gets each event of the notebook.
    """
    async with (
        open_server(data_dir=directory / "server", token=TOKEN) as server,
        open_notebook(
            sync_url=server.sync_url,
            notebook_id="soak",
            payload={"authToken": TOKEN},
            on_logged=log.append,
        ) as notebook,
    ):
        agent = AgentProcess(server.sync_url, TOKEN, directory)
        yield Soak(rng, notebook, agent, log), notebook, agent


async def soak(seconds: float, seed: int, directory: Path) -> list[str]:
    """Run a soak, print its numbers and return what went wrong.

    Args:
        seconds: how long deeds are done.
        seed: of chance.
        directory: an empty one.
    """
    log: list[LoggedEvent] = []
    async with open_soak(random.Random(seed), directory, log) as parts:  # noqa: S311 - no secret
        run, notebook, agent = parts
        try:
            await run.run(seconds)
        finally:
            if not agent.has_ended:
                await agent.kill()
        found = run.faults + faults(
            run.cells, frozenset(run.cancelled), notebook.state, log
        )
        _report(run, notebook)
    return found + _growth(*run.measured)


def _growth(before: Measured, after: Measured) -> list[str]:
    logged = after.logged_bytes - before.logged_bytes
    print(f"the last agent, once it was warm: {before.usage}")
    print(f"the last agent, at the end: {after.usage}")
    print(f"what the log gained meanwhile: {logged / MEBIBYTE:.1f} MB")
    found: list[str] = []
    allowed = MAX_GROWTH + MEMORY_PER_LOGGED * logged
    if after.usage.memory - before.usage.memory > allowed:
        found.append("the agent has grown")
    if after.usage.descriptors - before.usage.descriptors > MAX_MORE_DESCRIPTORS:
        found.append("the agent has more descriptors open than before")
    return found


def _report(run: Soak, notebook: Notebook) -> None:
    rows = notebook.state.execution_queue.values()
    for name, count in sorted(run.counts.items()):
        print(f"{name}: {count}")
    for status, count in sorted(Counter(row.status for row in rows).items()):
        print(f"executions {status}: {count}")


def main() -> int:
    """Run a soak and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed: int = random.randrange(2**32) if arguments.seed is None else arguments.seed  # noqa: S311
    print(f"seed {seed}, {arguments.seconds:g} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        found = trio.run(soak, arguments.seconds, seed, Path(directory))
        if found:
            print((Path(directory) / "agent.log").read_text()[-4000:])
    for fault in found:
        print(f"FAULT: {fault}")
    print("nothing was lost" if not found else f"{len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
