"""One cell's run: the worker beside its watcher and its publisher."""

from collections.abc import Callable
from typing import Protocol

import trio

from runt_agent._limits import Limits
from runt_agent._notebook import Notebook
from runt_agent._publisher import OutputPublisher
from runt_agent._queue import Displaced, RunningStep, Wait
from runt_agent._session import SUCCESS, Outcome
from runt_agent._stop import Stop
from runt_worker import (
    Error,
    ExecuteReply,
    OnOutput,
    WorkerDiedError,
    open_flat_nursery,
)

_LONGEST_ERROR = 2_000


class CellWorker(Protocol):
    """What the agent needs of a worker; `runt_worker.Worker` has it."""

    async def execute(self, code: str, on_output: OnOutput) -> ExecuteReply:
        """Run a cell and hand its output over while it runs."""
        ...

    def interrupt(self) -> None:
        """Interrupt the running cell; if it goes on, `execute` raises before long."""
        ...

    async def restart(self) -> None:
        """Replace the process by a fresh one."""
        ...


class CellRun:
    """Runs one cell, whatever becomes of its execution meanwhile.

    Attributes:
        worker_died: Whether the worker's process ended under the cell.
    """

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        source: str,
        ask: Callable[[], RunningStep],
        notebook: Notebook,
        worker: CellWorker,
        publisher: OutputPublisher,
        stop: Stop,
        limits: Limits,
    ) -> None:
        """Prepare the run.

        Args:
            source: The cell's code.
            ask: Tells what to do with the running cell.
            notebook: Tells when to ask again.
            worker: The worker, idle.
            publisher: Takes the cell's outputs.
            stop: When the agent should end, the cell is interrupted.
            limits: Its times between interrupt and giving up apply.
        """
        self._source = source
        self._ask = ask
        self._notebook = notebook
        self._worker = worker
        self._publisher = publisher
        self._stop = stop
        self._limits = limits
        self._abandon = trio.CancelScope()
        self.worker_died = False

    async def run(self) -> Outcome:
        """Run the cell until it ends, or until the grace period has passed in vain.

        Returns:
            How it ended. Everything that it wrote has been committed by then.

        Raises:
            WorkerError: The worker cannot run cells any more.
        """
        outcome = Outcome(status="error", error="the runtime ended before the cell did")
        async with open_flat_nursery() as watching:
            watching.start_soon(self._watch)
            with self._abandon:
                async with open_flat_nursery() as publishing:
                    publishing.start_soon(self._publisher.run)
                    outcome = await self._execute()
                    self._publisher.close()
            watching.cancel_scope.cancel()
        return outcome

    async def _execute(self) -> Outcome:
        if not isinstance(self._ask(), Wait):
            return Outcome(
                status="error", error="no longer wanted when it should start"
            )
        try:
            reply = await self._worker.execute(self._source, self._publisher.receive)
        except WorkerDiedError as error:
            self.worker_died = True
            text = f"{error.reason}; the state of the notebook's Python is gone"
            self._publisher.receive(
                Error(ename=type(error).__name__, evalue=text, traceback=[text])
            )
            return Outcome(status="error", error=text)
        return _outcome_of(reply)

    async def _watch(self) -> None:
        await self._until(lambda step: not isinstance(step, Wait))
        self._worker.interrupt()
        await self._until(lambda step: isinstance(step, Displaced))
        await trio.sleep(self._limits.interrupt_grace_s)
        self._abandon.cancel()

    async def _until(self, is_reached: Callable[[RunningStep], bool]) -> None:
        await self._stop.unless(
            lambda: self._notebook.wait_for(lambda _: is_reached(self._ask()))
        )


def _outcome_of(reply: ExecuteReply) -> Outcome:
    if reply.status == "ok":
        return SUCCESS
    text = f"{reply.ename}: {reply.evalue}" if reply.evalue else reply.ename
    return Outcome(status="error", error=text[:_LONGEST_ERROR])
