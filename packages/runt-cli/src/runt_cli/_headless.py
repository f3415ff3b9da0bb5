"""Runs the cells of a document in a notebook that some agent serves.

The agent may live in this process or anywhere: all that is known of it are its events.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import trio

from runt_agent import Notebook, Predicate, Service
from runt_cli._agent_watch import has_agent, utc_now
from runt_cli._artifacts import fetch_artifacts
from runt_cli._cell_events import (
    PlacedCell,
    cancel_event,
    creation_events,
    place_cells,
    request_event,
)
from runt_cli._cell_outputs import ErrorOutput, MediaOutput, outputs_of
from runt_cli._errors import NoAgentError
from runt_cli._follower import Follower
from runt_cli._notebook_file import NotebookDocument
from runt_cli._printer import Printer
from runt_cli._saved_outputs import saved_outputs
from runt_protocol import ExecutionRequested, NotebookState

_AGENT_DEADLINE_S: Final = 10.0
"""One may just be restarting."""
_AGENT_CHECK_S: Final = 0.5
_WITHDRAW_TIMEOUT_S: Final = 2.0
"""How long whoever pressed Ctrl-C waits until the request is withdrawn."""
_ENDED: Final = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, kw_only=True)
class HeadlessRun:
    """One run of a document.

    Attributes:
        document: What to run; its code cells get their outputs as they end.
        notebook: The notebook that its cells join.
        service: Where the notebook is.
        user_id: Who asks for the executions.
        printer: Shows the outputs as they come.
        agent_deadline_s: How long, in seconds, the notebook may be without an agent.
    """

    document: NotebookDocument
    notebook: Notebook
    service: Service
    user_id: str
    printer: Printer
    agent_deadline_s: float = _AGENT_DEADLINE_S

    async def run(self, *, allow_errors: bool) -> bool:
        """Add the cells, and execute those with code in them one after the other.

        Args:
            allow_errors: Go on behind a cell that failed.

        Returns:
            Whether all went well: no cell failed, or the failing ones were allowed to.

        Raises:
            NoAgentError: Nobody executes cells in this notebook.
        """
        state = self.notebook.state
        cells = place_cells(self.document.cells, state)
        self.notebook.commit(*creation_events(cells, state, user_id=self.user_id))
        to_run = [
            cell
            for cell in cells
            if cell.source.kind == "code" and cell.source.source.strip()
        ]
        for number, cell in enumerate(to_run, start=1):
            self.printer.note(f"cell {number} of {len(to_run)}")
            succeeded = await self._execute(cell, number)
            if not (succeeded or allow_errors or cell.source.may_raise):
                return False
        await self.notebook.flush()
        return True

    async def _execute(self, cell: PlacedCell, number: int) -> bool:
        request = request_event(cell, execution_count=number, user_id=self.user_id)
        self.notebook.commit(request)
        try:
            await self._follow(request)
        except (trio.Cancelled, NoAgentError):
            await self._withdraw(request)
            if outputs_of(self.notebook.state, cell.cell_id):
                self._keep_outputs(cell, number, artifacts={})
            raise
        finally:
            self.printer.end_cell()
        await self._keep_all_outputs(cell, number)
        return self._judge(request)

    async def _follow(self, request: ExecutionRequested) -> None:
        """Show the outputs of an execution until it has ended."""
        follower = Follower(self.printer)
        while True:
            seen = outputs_of(self.notebook.state, request.cell_id)
            follower.show(seen)
            if _has_ended(self.notebook.state, request):
                return
            await self._wait_for(
                lambda state, seen=seen: (
                    _has_ended(state, request)
                    or outputs_of(state, request.cell_id) != seen
                )
            )

    async def _wait_for(self, predicate: Predicate) -> None:
        """Wait for a change, as long as there is an agent that could bring it."""
        missing_since: float | None = None
        while True:
            with trio.move_on_after(_AGENT_CHECK_S):
                await self.notebook.wait_for(predicate)
                return
            now = trio.current_time()
            if has_agent(self.notebook.state, utc_now()):
                missing_since = None
            elif missing_since is None:
                missing_since = now
            elif now - missing_since > self.agent_deadline_s:
                raise NoAgentError(
                    "no runtime agent is attached to this notebook; "
                    "start one with: runt --notebook ID --sync-url URL"
                )

    async def _withdraw(self, request: ExecutionRequested) -> None:
        with trio.move_on_after(_WITHDRAW_TIMEOUT_S, shield=True):
            if not _has_ended(self.notebook.state, request):
                self.notebook.commit(cancel_event(request))
                await self.notebook.flush()

    async def _keep_all_outputs(self, cell: PlacedCell, number: int) -> None:
        wanted = {
            artifact_id
            for output in outputs_of(self.notebook.state, cell.cell_id)
            if isinstance(output, MediaOutput)
            for artifact_id in output.artifact_ids.values()
        }
        found = await fetch_artifacts(self.service, wanted) if wanted else {}
        self._keep_outputs(cell, number, artifacts=found)
        if missing := wanted - found.keys():
            self.printer.note(
                f"{len(missing)} uploaded output(s) could not be fetched; "
                "links to them are kept instead"
            )

    def _keep_outputs(
        self, cell: PlacedCell, number: int, *, artifacts: Mapping[str, bytes]
    ) -> None:
        outputs = outputs_of(self.notebook.state, cell.cell_id)
        # The kernel may have counted before this run began: then its number counts.
        counts = (it.execution_count for it in outputs if isinstance(it, MediaOutput))
        count = next((count for count in counts if count is not None), number)
        self.document.set_outputs(
            cell.source.id, saved_outputs(outputs, artifacts), count
        )

    def _judge(self, request: ExecutionRequested) -> bool:
        status = self.notebook.state.execution_queue[request.queue_id].status
        if status == "completed":
            return True
        outputs = outputs_of(self.notebook.state, request.cell_id)
        if not any(isinstance(output, ErrorOutput) for output in outputs):
            self.printer.note(f"the cell was not executed to its end: {status}")
        return False


def _has_ended(state: NotebookState, request: ExecutionRequested) -> bool:
    return state.execution_queue[request.queue_id].status in _ENDED
