"""An agent's life: join, take over, serve, say goodbye."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from runt_agent._agent import AfterCell, Agent
from runt_agent._config import AgentConfig
from runt_agent._connection import open_notebook
from runt_agent._errors import DisplacedError
from runt_agent._execution import CellWorker
from runt_agent._identity import fetch_identity
from runt_agent._ledger import Ledger
from runt_agent._stop import Stop
from runt_worker import WorkerOptions, open_flat_nursery, open_worker


async def run_agent(
    config: AgentConfig,
    *,
    worker: CellWorker | None = None,
    worker_options: WorkerOptions | None = None,
    after_cell: AfterCell | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a notebook until cancelled.

    Cancellation ends it in good order: the running cell is interrupted, its outputs
    and its end are committed, the session is terminated, and all of it is confirmed by
    the server, as far as the shutdown time-out of the limits allows.

    Args:
        config: The notebook, the service, and the names to use there.
        worker: A worker to run the cells in; one is opened and closed here if None.
        worker_options: How to open that worker.
        after_cell: Awaited after each cell that ran, before its end is reported; a
            text that it returns is shown on the cell's stderr.
        task_status: Told the session id once the agent is ready for work.

    Raises:
        TokenRefusedError: The service does not accept the token.
        ConnectionRefusedByServerError: The service refuses the connection.
        UnreachableError: The service cannot be reached at the start.
        DisplacedError: Another runtime took the notebook over.
        LogReplacedError: The service has another log of the notebook than before.
        WorkerError: The worker could not be started, or not again after it died.
    """
    stop = Stop()
    async with open_flat_nursery() as nursery:
        nursery.start_soon(_stop_when_cancelled, stop)
        with trio.CancelScope() as life:
            user = await fetch_identity(
                config.service, timeout_s=config.limits.request_timeout_s
            )
            ledger = Ledger()
            async with (
                open_notebook(
                    sync_url=config.sync_url,
                    notebook_id=config.notebook_id,
                    payload=config.payload(user.id),
                    on_logged=ledger.observe,
                    # What was committed before the agent knew that it is displaced
                    # must stay here too.
                    may_push=lambda: not ledger.is_over(config.session_id),
                    livestore=config.livestore,
                    limits=config.limits,
                    drops_orphans=True,
                ) as notebook,
                _worker_or_own(worker, worker_options) as worker_at_hand,
            ):
                # From here on cancellation is a wish, which `stop` carries: connection
                # and worker are needed for the goodbye.
                life.shield = True
                agent = Agent(
                    config=config,
                    notebook=notebook,
                    ledger=ledger,
                    worker=worker_at_hand,
                    stop=stop,
                    after_cell=after_cell,
                )
                await _live(agent, stop, config.session_id, task_status)
    # The agent ended because it was cancelled: now the cancellation takes effect.
    await trio.lowlevel.checkpoint_if_cancelled()


async def _live(
    agent: Agent, stop: Stop, session_id: str, task_status: trio.TaskStatus[str]
) -> None:
    try:
        await stop.unless(agent.take_over)
        if not stop.requested:
            task_status.started(session_id)
        await agent.serve()
    except DisplacedError:
        raise
    except BaseException:
        await agent.say_goodbye("error")
        raise
    await agent.say_goodbye("shutdown")


async def _stop_when_cancelled(stop: Stop) -> None:
    try:
        await trio.sleep_forever()
    except trio.Cancelled:
        stop.request()


@asynccontextmanager
async def _worker_or_own(
    worker: CellWorker | None, options: WorkerOptions | None
) -> AsyncGenerator[CellWorker]:
    if worker is not None:
        yield worker
        return
    async with open_worker(options) as own:
        yield own
