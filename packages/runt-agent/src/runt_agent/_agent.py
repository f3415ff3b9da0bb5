"""The runtime agent at work: one session in one notebook, with one worker.

Source: protocol.md §6.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from uuid import uuid4

import trio

from runt_agent._artifacts import ArtifactStore
from runt_agent._config import AgentConfig
from runt_agent._errors import DisplacedError
from runt_agent._execution import CellRun, CellWorker
from runt_agent._ledger import Ledger
from runt_agent._notebook import Notebook
from runt_agent._outputs import CellOutputs
from runt_agent._publisher import OutputPublisher
from runt_agent._queue import (
    Claim,
    Displace,
    Displaced,
    Fail,
    IdleStep,
    Repair,
    Run,
    Wait,
    is_in_hand,
    next_step,
    running_step,
)
from runt_agent._session import SUCCESS, Outcome, completion, displacement
from runt_agent._stop import Stop
from runt_protocol import Event
from runt_worker import WorkerDiedError, open_flat_nursery

AfterCell: TypeAlias = Callable[[], Awaitable[str | None]]
"""A step between a cell's end and the report of it; a text is shown on its stderr."""

_logger = logging.getLogger(__name__)


class Agent:
    """Serves one notebook; `run_agent` builds it and sees it through its life."""

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        config: AgentConfig,
        notebook: Notebook,
        ledger: Ledger,
        worker: CellWorker,
        stop: Stop,
        after_cell: AfterCell | None = None,
    ) -> None:
        """Prepare; nothing is committed yet.

        Args:
            config: The agent's settings.
            notebook: The notebook, read to its head.
            ledger: Reads the notebook's log.
            worker: The worker, ready.
            stop: Tells when to end.
            after_cell: Awaited after each cell that ran, before its end is reported.
        """
        self._session = config.session
        self._limits = config.limits
        self._artifacts = ArtifactStore(
            service=config.service, notebook_id=config.notebook_id, limits=config.limits
        )
        self._notebook = notebook
        self._ledger = ledger
        self._worker = worker
        self._stop = stop
        self._after_cell = after_cell
        self._claim: int | None = None
        self._done: set[str] = set()

    async def take_over(self) -> None:
        """End every other session and begin this one, confirmed by the server."""
        tickets = self._notebook.commit(
            *self._session.takeover(self._ledger.active_sessions)
        )
        await self._notebook.wait_confirmed(tickets[-1])
        _logger.info(
            "runtime session %s is ready", self._session.session_id, extra=self._ids()
        )

    async def serve(self) -> None:
        """Run what is requested, and renew the session, until the agent should end.

        Raises:
            DisplacedError: Another runtime took the notebook over.
            WorkerError: The worker cannot run cells any more.
        """
        async with open_flat_nursery() as nursery:
            nursery.start_soon(self._renew)
            while not self._stop.requested:
                await self._do(self._next_step())
            nursery.cancel_scope.cancel()

    async def say_goodbye(self, reason: Literal["shutdown", "error"]) -> None:
        """End the session and see it confirmed, within the shutdown time-out.

        Args:
            reason: Why it ends.
        """
        with trio.move_on_after(self._limits.shutdown_timeout_s) as deadline:
            # Without this, a claim on its way would leave its execution to nobody.
            await self._notebook.flush()
            for execution in list(self._ledger.executions.values()):
                if self._is_in_hand(execution.queue_id):
                    text = "the runtime ended before this cell was done"
                    self._complete(execution.queue_id, execution.cell_id, _error(text))
            if self._session.session_id in self._ledger.active_sessions:
                self._notebook.commit(self._session.termination(reason))
            await self._notebook.flush()
        if deadline.cancelled_caught:
            _logger.warning(
                "the server did not confirm the end of session %s in time",
                self._session.session_id,
                extra=self._ids(),
            )

    async def _renew(self) -> None:
        # While the server is out of reach one renewal waits; they do not pile up.
        while True:
            renewal = self._session.renewal(
                _now(), valid_ms=self._limits.session_valid_ms
            )
            [ticket] = self._notebook.commit(renewal)
            await self._notebook.wait_confirmed(ticket)
            await trio.sleep(self._limits.renewal_interval_s)

    async def _do(self, step: IdleStep) -> None:
        match step:
            case Wait():
                await self._stop.unless(self._wait_for_work)
            case Claim(queue_id):
                ids = self._ids(queue_id)
                _logger.debug("execution %s is claimed", queue_id, extra=ids)
                [self._claim] = self._notebook.commit(self._session.claim(queue_id))
            case Run():
                await self._run(step)
            case Fail(queue_id, cell_id, reason):
                ids = self._ids(queue_id, cell_id)
                _logger.info("execution %s is not run: %s", queue_id, reason, extra=ids)
                self._complete(queue_id, cell_id, _error(reason))
            case Displace(session_id):
                self._notebook.commit(displacement(session_id))
            case Repair(ending):
                self._notebook.commit(ending)
            case Displaced(new_session_id):
                raise DisplacedError(
                    session_id=self._session.session_id, new_session_id=new_session_id
                )

    def _next_step(self) -> IdleStep:
        if self._claim is not None and self._notebook.is_confirmed(self._claim):
            self._claim = None
        self._done.intersection_update(self._ledger.executions)
        return next_step(
            self._ledger,
            self._notebook.state,
            self._session.session_id,
            is_claiming=self._claim is not None,
            done=self._done,
        )

    async def _wait_for_work(self) -> None:
        await self._notebook.wait_for(lambda _: not isinstance(self._next_step(), Wait))

    async def _run(self, step: Run) -> None:
        ids = self._ids(step.queue_id, step.cell_id)
        _logger.info(
            "execution %s of cell %s starts", step.queue_id, step.cell_id, extra=ids
        )
        started = trio.current_time()
        # A quick cell starts, writes and ends in one push.
        self._notebook.commit(
            *self._session.start(step.queue_id, step.cell_id, _now()),
            hold_s=self._limits.push_hold_s,
        )
        outcome, worker_died = SUCCESS, False
        if step.source.strip():
            outcome, worker_died = await self._run_cell(step)
        if self._is_in_hand(step.queue_id):
            duration = timedelta(seconds=trio.current_time() - started)
            self._complete(step.queue_id, step.cell_id, outcome, duration)
        _logger.info("execution %s ended: %s", step.queue_id, outcome.status, extra=ids)
        if worker_died:
            await self._stop.unless(self._restart)

    async def _run_cell(self, step: Run) -> tuple[Outcome, bool]:
        outputs = CellOutputs(
            cell_id=step.cell_id,
            id_prefix=f"out-{uuid4()}",
            cleared_by=self._session.actor,
            limits=self._limits,
        )
        run = CellRun(
            source=step.source,
            ask=lambda: running_step(
                self._ledger, self._session.session_id, step.queue_id
            ),
            notebook=self._notebook,
            worker=self._worker,
            publisher=OutputPublisher(
                outputs=outputs,
                artifacts=self._artifacts,
                commit=self._commit_output,
                limits=self._limits,
            ),
            stop=self._stop,
            limits=self._limits,
        )
        outcome = await run.run()
        if self._after_cell is not None:
            problem = await self._after_cell()
            if problem is not None:
                for event in outputs.stream("stderr", f"{problem}\n"):
                    self._commit_output(event)
        return outcome, run.worker_died

    async def _restart(self) -> None:
        _logger.warning("the worker died; a fresh one is started", extra=self._ids())
        self._notebook.commit(self._session.status("restarting"))
        await self._start_fresh_worker()
        self._notebook.commit(self._session.status("ready"))

    async def _start_fresh_worker(self) -> None:
        for wait_s in self._limits.restart_waits_s:
            try:
                await self._worker.restart()
            except WorkerDiedError as death:
                _logger.warning(
                    "the fresh worker died at its start (%s); the next one is tried "
                    "in %g s",
                    death.reason,
                    wait_s,
                    extra=self._ids(),
                )
                await trio.sleep(wait_s)
            else:
                return
        await self._worker.restart()

    def _commit_output(self, event: Event) -> None:
        # A displaced agent pushes nothing more.
        if self._ledger.in_charge == self._session.session_id:
            self._notebook.commit(event, hold_s=self._limits.push_hold_s)

    def _complete(
        self,
        queue_id: str,
        cell_id: str,
        outcome: Outcome,
        duration: timedelta = timedelta(0),
    ) -> None:
        self._done.add(queue_id)
        self._notebook.commit(
            completion(queue_id, cell_id, outcome, now=_now(), duration=duration)
        )

    def _ids(
        self, queue_id: str | None = None, cell_id: str | None = None
    ) -> dict[str, str | None]:
        """Name what a log entry is about, for whoever reads logs by a program."""
        session_id = self._session.session_id
        return {"session_id": session_id, "queue_id": queue_id, "cell_id": cell_id}

    def _is_in_hand(self, queue_id: str) -> bool:
        return queue_id not in self._done and is_in_hand(
            self._ledger, self._session.session_id, queue_id
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _error(text: str) -> Outcome:
    return Outcome(status="error", error=text)
