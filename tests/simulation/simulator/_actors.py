"""Who uses the notebook: people with a client each, and runtime agents."""

from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from random import Random

import trio

from runt_agent import (
    AgentConfig,
    DisplacedError,
    LogReplacedError,
    Notebook,
    open_notebook,
    run_agent,
)
from runt_agent._errors import RefusedError, UnreachableError
from runt_protocol import (
    CellCreatedV2,
    CellOutputsCleared,
    CellSourceChanged,
    EventTooLargeError,
    ExecutionCancelled,
    ExecutionRequested,
    NotebookMetadataSet,
)

from ._cells import SimulatedWorker
from ._machine import Machine, this_machine
from ._trace import Trace

_MOST_ACTS = 25
SYNC_URL = "ws://server/livestore"
NOTEBOOK = "notebook"

_OVERSIZED = "x" * 1_000_000
# What may end a program, besides somebody who wants it to.
_ENDINGS = (RefusedError, UnreachableError, DisplacedError, LogReplacedError)


@dataclass
class Requests:
    """What people have asked for.

    Attributes:
        executions: Queue id → cell id.
        touched: Cells whose outputs somebody has cleared, or that were requested twice.
        sources: Source → its queue ids.
    """

    executions: dict[str, str] = field(default_factory=dict[str, str])
    touched: set[str] = field(default_factory=set[str])
    sources: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


class Actor:
    """A program on a machine of its own, which can be killed at any wait.

    Attributes:
        machine: The machine.
        has_ended: Whether the program has ended, by itself or killed.
        failure: What ended it, if that was no end in good order.
    """

    def __init__(self, name: str, token: str, random: Random, trace: Trace) -> None:
        self.machine = Machine(name)
        self.has_ended = False
        self.failure: Exception | None = None
        self._token = token
        self._random = random
        self._trace = trace
        self._scope = trio.CancelScope()

    def start(self, nursery: trio.Nursery) -> None:
        """Start the program."""
        context = copy_context()
        context.run(this_machine.set, self.machine)
        context.run(nursery.start_soon, self._guarded)

    def stop(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        self._scope.cancel()

    def kill(self) -> None:
        """End it where it stands: what it does while it unwinds, nobody notices."""
        self._trace.note(self.machine.name, "is killed")
        self.machine.is_alive = False
        self.has_ended = True
        self._scope.cancel()

    async def _guarded(self) -> None:
        self._trace.note(self.machine.name, "starts")
        with self._scope:
            try:
                await self._live()
            except _ENDINGS as error:
                self.failure = error
        if self.machine.is_alive:
            self.has_ended = True
            ending = type(self.failure).__name__ if self.failure else "in good order"
            self._trace.note(self.machine.name, f"ends: {ending}")

    async def _live(self) -> None:
        raise NotImplementedError


class Person(Actor):
    """Creates cells, requests and cancels executions, and writes a lot at times."""

    def __init__(  # noqa: PLR0917 - its parts
        self,
        name: str,
        token: str,
        random: Random,
        trace: Trace,
        requests: Requests,
        pause_s: float,
    ) -> None:
        super().__init__(name, token, random, trace)
        self.notebook: Notebook | None = None
        self.is_idle = False
        self._requests = requests
        self._pause_s = pause_s
        self._count = 0

    async def _live(self) -> None:
        async with open_notebook(
            sync_url=SYNC_URL, notebook_id=NOTEBOOK, payload={"authToken": self._token}
        ) as notebook:
            self.notebook = notebook
            try:
                while True:
                    await trio.sleep(self._random.expovariate(1 / self._pause_s))
                    if not self.is_idle and self._count < _MOST_ACTS:
                        self._act(notebook)
            finally:
                self.notebook = None

    def _act(self, notebook: Notebook) -> None:
        acts: dict[Callable[[Notebook], None], float] = {
            self._request: 6,
            self._request_again: 1,
            self._cancel: 1.5,
            self._clear: 0.7,
            self._write: 4,
            self._write_much: 0.7,
            self._write_too_much: 0.3,
        }
        act = self._random.choices(list(acts), list(acts.values()))[0]
        self._count += 1
        self._trace.note(self.machine.name, act.__name__)
        act(notebook)

    def _request(self, notebook: Notebook) -> None:
        number = len(self._requests.sources) + 1
        source, cell_id = f"cell {number}", f"c{number}"
        self._requests.sources[source] = []
        notebook.commit(
            CellCreatedV2(
                id=cell_id,
                fractional_index=f"a{number}",
                cell_type="code",
                created_by=self.machine.name,
            ),
            CellSourceChanged(id=cell_id, source=source, modified_by=self.machine.name),
        )
        self._commit_request(notebook, source, cell_id)

    def _request_again(self, notebook: Notebook) -> None:
        cell_ids = sorted(notebook.state.cells)
        if cell_ids:
            cell_id = self._random.choice(cell_ids)
            self._requests.touched.add(cell_id)
            self._commit_request(notebook, f"cell {cell_id[1:]}", cell_id)

    def _commit_request(self, notebook: Notebook, source: str, cell_id: str) -> None:
        queue_id = f"q{len(self._requests.executions) + 1}"
        self._requests.executions[queue_id] = cell_id
        self._requests.sources[source].append(queue_id)
        notebook.commit(
            ExecutionRequested(
                queue_id=queue_id,
                cell_id=cell_id,
                execution_count=1,
                requested_by=self.machine.name,
            )
        )

    def _cancel(self, notebook: Notebook) -> None:
        rows = notebook.state.execution_queue
        open_ids = sorted(
            queue_id
            for queue_id, row in rows.items()
            if row.status in {"pending", "assigned", "executing"}
        )
        if open_ids:
            queue_id = self._random.choice(open_ids)
            notebook.commit(
                ExecutionCancelled(
                    queue_id=queue_id,
                    cell_id=rows[queue_id].cell_id,
                    cancelled_by=self.machine.name,
                    reason="stop",
                )
            )

    def _clear(self, notebook: Notebook) -> None:
        cell_ids = sorted(notebook.state.cells)
        if cell_ids:
            cell_id = self._random.choice(cell_ids)
            self._requests.touched.add(cell_id)
            notebook.commit(
                CellOutputsCleared(
                    cell_id=cell_id,
                    wait=self._random.random() < 0.5,
                    cleared_by=self.machine.name,
                )
            )

    def _write(self, notebook: Notebook) -> None:
        notebook.commit(self._metadata(f"{self._count}"))

    def _write_much(self, notebook: Notebook) -> None:
        size = self._random.choice((0, 0, 3_000, 30_000))
        count = self._random.randint(2, 40)
        notebook.commit(
            *[self._metadata(f"{self._count}.{n}" + "y" * size) for n in range(count)]
        )

    def _write_too_much(self, notebook: Notebook) -> None:
        with suppress(EventTooLargeError):
            notebook.commit(self._metadata("small"), self._metadata(_OVERSIZED))
            raise AssertionError("an oversized event was taken")

    def _metadata(self, value: str) -> NotebookMetadataSet:
        key = self._random.choice(("a", "b", self.machine.name))
        return NotebookMetadataSet(key=key, value=f"{self.machine.name} {value}")


class Agent(Actor):
    """The real runtime agent, with a simulated worker."""

    def __init__(  # noqa: PLR0917 - its parts
        self,
        name: str,
        token: str,
        random: Random,
        trace: Trace,
        seed: int,
        starts: Callable[[str, str], None],
    ) -> None:
        super().__init__(name, token, random, trace)
        self.session_id = f"session-{name}"
        self.is_ready = False
        self._seed = seed
        self._starts = starts

    async def _live(self) -> None:
        config = AgentConfig(
            notebook_id=NOTEBOOK,
            auth_token=self._token,
            sync_url=SYNC_URL,
            runtime_id=f"runtime-{self.machine.name}",
            session_id=self.session_id,
        )
        worker = SimulatedWorker(
            self._seed,
            lambda source: self._starts(self.session_id, source),
            self._trace,
        )
        await run_agent(config, worker=worker, task_status=self)  # pyright: ignore[reportArgumentType] - all that it calls is `started`

    def started(self, _session_id: str) -> None:
        """Take note that the session is confirmed."""
        self.is_ready = True
        self._trace.note(self.machine.name, "is ready")
