"""A worker for tests: started once, used from ordinary functions.

A worker takes seconds to start. `shared_worker` keeps one in a thread with a trio of
its own, so that many small tests can run their cells in it.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, TypeVarTuple

import trio

from runt_worker._errors import WorkerDiedError
from runt_worker._nursery import open_flat_nursery
from runt_worker._options import WorkerOptions
from runt_worker._outputs import Error, Output, Stream
from runt_worker._replies import ExecuteReply
from runt_worker._worker import Worker, open_worker

TIMEOUT_S = 25.0
"""No cell of a test takes that long; past it the test fails instead of hanging."""

DEAF = """
import signal
from pyodide.code import run_js
def refuse(*_):
    display("no")
    run_js("for (;;) {}")
signal.signal(signal.SIGINT, refuse)
print("begun", flush=True)
while True: pass
"""
"""From ``begun`` on, this code refuses every interrupt; the first one it answers with
``'no'``, displayed, because what is printed shows with the ticks, and none come then.

(A loop around ``try`` can be met outside of it by an interrupt, and ends.)
"""

ResultT = TypeVar("ResultT")
ArgTs = TypeVarTuple("ArgTs")


@dataclass(kw_only=True)
class Ran:
    """What a cell did.

    Attributes:
        reply: how it ended.
        outputs: what it showed, in order.
        times: when each output came, in seconds from the start of the cell.
        interrupted: when the interrupt was sent, if one was.
        ended: when it ended.
    """

    reply: ExecuteReply | None = None
    outputs: list[Output] = field(default_factory=list[Output])
    times: list[float] = field(default_factory=list[float])
    interrupted: float = 0.0
    ended: float = 0.0

    @property
    def status(self) -> str:
        """How it ended: ``ok``, or the name of its exception."""
        if self.reply is None:
            return "not ended"
        return self.reply.ename if self.reply.status == "error" else "ok"

    def text(self, name: str = "stdout") -> str:
        """Return what it printed there."""
        streams = [output for output in self.outputs if isinstance(output, Stream)]
        return "".join(stream.text for stream in streams if stream.name == name)

    def of_type(self, kind: type[ResultT]) -> list[ResultT]:
        """Return its outputs of one type."""
        return [output for output in self.outputs if isinstance(output, kind)]

    def errors(self) -> list[str]:
        """Return the names of the exceptions that it showed."""
        return [error.ename for error in self.of_type(Error)]


async def run_cell(
    worker: Worker, code: str, interrupt_after_s: float | None = None
) -> Ran:
    """Run a cell and gather what it does.

    Args:
        worker: where it runs.
        code: its source.
        interrupt_after_s: interrupt it after so long.

    Raises:
        trio.TooSlowError: it did not end within `TIMEOUT_S`.
    """
    ran, start = Ran(), time.perf_counter()

    def show(output: Output) -> None:
        ran.outputs.append(output)
        ran.times.append(time.perf_counter() - start)

    async def interrupt(after_s: float) -> None:
        await trio.sleep(after_s)
        ran.interrupted = time.perf_counter() - start
        worker.interrupt()

    async with open_flat_nursery() as nursery:
        if interrupt_after_s is not None:
            nursery.start_soon(interrupt, interrupt_after_s)
        with trio.fail_after(TIMEOUT_S):
            ran.reply = await worker.execute(code, show)
        nursery.cancel_scope.cancel()
    ran.ended = time.perf_counter() - start
    return ran


class SharedWorker:
    """A worker in another thread. Made by `shared_worker` only.

    Attributes:
        worker: to be used by way of `call` only.
    """

    def __init__(self, worker: Worker, token: trio.lowlevel.TrioToken) -> None:
        self.worker = worker
        self._token = token

    def call(
        self, function: Callable[[*ArgTs], Awaitable[ResultT]], *args: *ArgTs
    ) -> ResultT:
        """Run an async function where the worker is, and wait for its result."""
        return trio.from_thread.run(function, *args, trio_token=self._token)

    def run(self, code: str, *, interrupt_after_s: float | None = None) -> Ran:
        """Run a cell and gather what it does; a worker that dies of it is restarted.

        Raises:
            WorkerDiedError: the sandbox process ended.
            trio.TooSlowError: the cell did not end within `TIMEOUT_S`.
        """
        try:
            return self.call(run_cell, self.worker, code, interrupt_after_s)
        except (WorkerDiedError, trio.TooSlowError):
            self.call(self.worker.restart)
            raise


@contextmanager
def shared_worker(options: WorkerOptions | None = None) -> Generator[SharedWorker]:
    """Start a worker in a thread of its own; it ends with the block.

    Args:
        options: how it is set up.

    Yields:
        The worker, for ordinary functions.

    Raises:
        WorkerError: it could not be started.
    """
    started: Future[SharedWorker] = Future()
    stop = threading.Event()

    async def serve() -> None:
        async with open_worker(options) as worker:
            token = trio.lowlevel.current_trio_token()
            started.set_result(SharedWorker(worker, token))
            await trio.to_thread.run_sync(stop.wait)

    def serve_in_thread() -> None:
        try:
            trio.run(serve)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=serve_in_thread, name="shared worker")
    thread.start()
    try:
        yield started.result()
    finally:
        stop.set()
        thread.join()
