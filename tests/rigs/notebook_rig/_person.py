"""A person at a notebook, without a screen."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio

from runt_agent import Notebook, open_notebook
from runt_protocol import (
    CellCreatedV2,
    CellSourceChanged,
    CellType,
    Event,
    ExecutionCancelled,
    ExecutionRequested,
    LoggedEvent,
    NotebookState,
    OutputRow,
)

from ._server import TOKEN

NOTEBOOK_ID = "nb"
TIMEOUT_S = 60


def cell_and_request(
    name: str, source: str, cell_type: CellType = "code"
) -> list[Event]:
    """Create cell `c<name>` and request it as `q<name>`."""
    return [
        CellCreatedV2(
            id=f"c{name}",
            fractional_index=f"a{name}",
            cell_type=cell_type,
            created_by="person",
        ),
        CellSourceChanged(id=f"c{name}", source=source, modified_by="person"),
        ExecutionRequested(
            queue_id=f"q{name}",
            cell_id=f"c{name}",
            execution_count=1,
            requested_by="person",
        ),
    ]


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

    def request(
        self, source: str, name: str | None = None, cell_type: CellType = "code"
    ) -> str:
        """Create cell `c<n>` and request it as `q<n>`; return `<n>`."""
        self._cells += 1
        name = name or str(self._cells)
        self.notebook.commit(*cell_and_request(name, source, cell_type))
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
                reason="changed my mind",
            )
        )

    def status(self, name: str) -> str:
        return self.state.execution_queue[f"q{name}"].status

    def outputs(self, name: str) -> list[OutputRow]:
        return self.state.outputs_of(f"c{name}")

    def text(self, name: str) -> str:
        """Give the texts of all outputs of a cell."""
        return "".join(self.state.text_of(output) for output in self.outputs(name))

    def shown(self, name: str) -> list[str]:
        """Give each output of a cell with its kind."""
        return [
            f"{row.stream_name or row.output_type}: {self.state.text_of(row)}"
            for row in self.outputs(name)
        ]

    def completions(self, name: str) -> list[str]:
        """Give the args of every completion of an execution that the log holds."""
        return [
            event.args_text or ""
            for event in self.log
            if event.name == "v1.ExecutionCompleted"
            and f'"queueId":"q{name}"' in (event.args_text or "")
        ]

    async def until(self, predicate: Callable[[], object]) -> None:
        with trio.fail_after(TIMEOUT_S):
            await self.notebook.wait_for(lambda _: bool(predicate()))

    async def until_status(self, name: str, *statuses: str) -> None:
        await self.until(lambda: self.status(name) in statuses)

    async def until_ended(self, name: str) -> None:
        await self.until_status(name, "completed", "failed", "cancelled")


@asynccontextmanager
async def person_at(sync_url: str, token: str = TOKEN) -> AsyncGenerator[Person]:
    """Connect a person to the notebook of a server."""
    log: list[LoggedEvent] = []
    async with open_notebook(
        sync_url=sync_url,
        notebook_id=NOTEBOOK_ID,
        payload={"authToken": token},
        on_logged=log.append,
    ) as notebook:
        yield Person(notebook, log)
