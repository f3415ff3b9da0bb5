"""The worker: a sandboxed Python that runs cells, and can be restarted."""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal

import trio
from trio.from_thread import check_cancelled

from runt_worker._cache_use import cache_use
from runt_worker._errors import WorkerBusyError, WorkerClosedError, WorkerDiedError
from runt_worker._files import SandboxFiles, open_files
from runt_worker._kernel import Kernel, open_kernel
from runt_worker._launch import LaunchedProcess
from runt_worker._nursery import open_flat_nursery
from runt_worker._options import Assets, WorkerOptions
from runt_worker._output_budget import OutputBudget
from runt_worker._outputs import Error, Stream
from runt_worker._pending_request import OnOutput, PendingRequest, ReplyT
from runt_worker._preparation import OnSetup, prepare
from runt_worker._private_directory import sweep
from runt_worker._replies import (
    CompleteReply,
    ExecuteReply,
    InspectReply,
    IsCompleteReply,
)
from runt_worker._requests import (
    CompleteRequest,
    ExecuteRequest,
    InspectRequest,
    IsCompleteRequest,
    Request,
)
from runt_worker._stdin import OnInput
from runt_worker._stopping import interrupt, stop


class Worker:
    """Runs cells in a sandbox. Made by `open_worker` only.

    One cell runs at a time. When the sandbox process ends on its own, what was under
    way raises `WorkerDiedError`, and so does every later request until `restart`.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        assets: Assets,
        files: SandboxFiles,
        options: WorkerOptions,
        launched: LaunchedProcess | None,
    ) -> None:
        self._nursery = nursery
        self._assets = assets
        self._files = files
        self._grants = options.allow_net
        self._limits = options.limits
        self._launched = launched
        self._kernel: Kernel | None = None
        self._kernel_scope = trio.CancelScope()
        self._kernel_ended = trio.Event()
        self._changing = trio.Lock()
        self._is_busy = False
        self._execution: PendingRequest[ExecuteReply] | None = None
        self._requesting = trio.Lock()
        self._asking = trio.CancelScope()
        self._interrupted = self._is_stopping = False

    @property
    def pid(self) -> int:
        """Process id of the sandbox.

        Raises:
            WorkerClosedError: the worker was closed.
        """
        return self._live_kernel().pid

    async def execute(
        self, code: str, on_output: OnOutput, on_input: OnInput | None = None
    ) -> ExecuteReply:
        """Run a cell and return how it ended.

        Cancelling this interrupts the cell, as `interrupt` does, and waits for its end.
        So does the end of the time that the limits give to a cell, and the reply's
        ``ename`` is ``TimeoutError``.

        Args:
            code: Python, IPython's magics and top-level ``await`` included.
            on_output: called with each output, in order, before this returns; what
                exceeds the limits is replaced by one notice.
            on_input: answers ``input()`` and ``getpass()``, one question at a time,
                and is cancelled when the cell is interrupted; without it they raise
                ``StdinNotImplementedError`` in the cell. What it raises ends the cell
                and is raised here.

        Raises:
            WorkerBusyError: another cell is running.
            UnheededInterruptError: the cell was interrupted and went on, so the
                sandbox process was killed.
            WorkerDiedError: the sandbox process ended.
            WorkerClosedError: the worker was closed.
        """
        kernel = self._idle_kernel()
        self._is_busy, self._interrupted = True, False
        budget = OutputBudget(on_output, self._limits)
        try:
            self._asking.cancel()  # a completion that nobody needs any more
            async with self._requesting:
                reply = await self._execute(kernel, code, budget, on_input)
        finally:
            try:
                budget.close()
                # Also what a cell left that raised, was stopped, or took all down.
                await self._copy_outputs(on_output)
            finally:
                self._is_busy = False
        if self._interrupted and reply.status == "ok":
            return _told_to_stop(reply, on_output)
        return reply

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running cell; without one, do nothing.

        A cell that goes on is interrupted again after half of the grace period; after
        three quarters it is at each of its lines, so that it cannot catch that; at the
        end it is killed with its process, and its `execute` raises
        `UnheededInterruptError`. Each further call interrupts once more.
        """
        if self._is_busy:
            self._interrupted = True
        if self._execution is not None:
            was_stopping, self._is_stopping = self._is_stopping, True
            kernel, grace_s = self._live_kernel(), self._limits.interrupt_grace_s
            if was_stopping:
                self._nursery.start_soon(interrupt, kernel, self._execution)
            else:
                self._nursery.start_soon(stop, kernel, self._execution, grace_s)

    async def complete(self, code: str, cursor_pos: int) -> CompleteReply:
        """Return what could stand at a cursor.

        Args:
            code: the cell's source.
            cursor_pos: in characters from its beginning.

        Raises:
            WorkerBusyError: a cell is running.
            IntrospectionError: the kernel could not answer.
            WorkerDiedError: the sandbox process ended, or did not heed an interrupt.
            WorkerClosedError: the worker was closed.
        """
        request = CompleteRequest(code=code, cursor_pos=cursor_pos)
        return await self._ask(request, CompleteReply)

    async def inspect(
        self, code: str, cursor_pos: int, detail_level: Literal[0, 1] = 0
    ) -> InspectReply:
        """Describe the object whose name stands at a cursor.

        Args:
            code: the cell's source.
            cursor_pos: in characters from its beginning.
            detail_level: 1 adds the object's source.

        Raises:
            WorkerBusyError: a cell is running.
            IntrospectionError: the kernel could not answer.
            WorkerDiedError: the sandbox process ended, or did not heed an interrupt.
            WorkerClosedError: the worker was closed.
        """
        request = InspectRequest(
            code=code, cursor_pos=cursor_pos, detail_level=detail_level
        )
        return await self._ask(request, InspectReply)

    async def is_complete(self, code: str) -> IsCompleteReply:
        """Return whether code could be run as it stands, or wants another line.

        Raises:
            WorkerBusyError: a cell is running.
            IntrospectionError: the kernel could not answer.
            WorkerDiedError: the sandbox process ended, or did not heed an interrupt.
            WorkerClosedError: the worker was closed.
        """
        return await self._ask(IsCompleteRequest(code=code), IsCompleteReply)

    async def restart(self) -> None:
        """End the sandbox process and start a fresh one; all variables are gone.

        A cell that is running raises `WorkerDiedError` in its `execute`.

        Raises:
            SetupError: the process could not be started.
            WorkerDiedError: it ended before it was ready.
        """
        async with self._changing:
            await self._end_kernel()
            self._kernel = await self._nursery.start(self._run_kernel)

    async def aclose(self) -> None:
        """End the sandbox process. A closed worker can be restarted."""
        async with self._changing:
            await self._end_kernel()

    async def _execute(
        self,
        kernel: Kernel,
        code: str,
        budget: OutputBudget,
        on_input: OnInput | None,
    ) -> ExecuteReply:
        dialogue = kernel.dialogue(on_input) if on_input else None
        request = ExecuteRequest(code=code, allow_stdin=dialogue is not None)
        try:
            self._execution = await kernel.submit(
                request, ExecuteReply, budget.show, dialogue, budget.pause_s
            )
            if self._interrupted:  # while it was on its way
                self.interrupt()
            async with open_flat_nursery() as nursery:
                if dialogue is not None:
                    nursery.start_soon(dialogue.serve)
                reply = await self._ended_in_time(kernel, self._execution, budget.show)
                nursery.cancel_scope.cancel()
            return reply
        finally:
            self._execution, self._is_stopping = None, False

    async def _ended_in_time(
        self,
        kernel: Kernel,
        pending: PendingRequest[ExecuteReply],
        on_output: OnOutput,
    ) -> ExecuteReply:
        timeout_s = self._limits.cell_timeout_s
        if timeout_s is None:
            return await self._ended(kernel, pending)
        text = f"the cell ran for more than {timeout_s:g} s (--cell-timeout)"
        with trio.move_on_after(timeout_s):
            return await self._ended(kernel, pending)
        try:
            reply = await pending.wait()
        except WorkerDiedError as death:
            raise type(death)(f"{text}, and {death.reason}") from None
        return _ended_late(reply, text, on_output)

    async def _copy_outputs(self, on_output: OnOutput) -> None:
        if self._files.mirror is None:
            return
        timeout_s = self._limits.copy_timeout_s
        with trio.move_on_after(timeout_s, shield=True) as deadline:
            try:
                await trio.to_thread.run_sync(
                    self._files.mirror.sync, abandon_on_cancel=True
                )
            except OSError as error:
                on_output(Stream(name="stderr", text=f"{error.strerror}\n"))
        if deadline.cancelled_caught:
            text = f"/outputs was not copied within {timeout_s:.0f} s\n"
            on_output(Stream(name="stderr", text=text))

    async def _ended(self, kernel: Kernel, pending: PendingRequest[ReplyT]) -> ReplyT:
        try:
            return await pending.wait()
        except trio.Cancelled:
            with trio.CancelScope(shield=True):
                if self._is_stopping:
                    await pending.settled()
                else:
                    await stop(kernel, pending, self._limits.interrupt_grace_s)
            raise

    async def _ask(self, request: Request, reply_type: type[ReplyT]) -> ReplyT:
        self._idle_kernel()
        async with self._requesting:
            kernel = self._idle_kernel()  # while this waited, a cell may have come
            pending = await kernel.submit(request, reply_type)
            with trio.move_on_after(self._limits.request_timeout_s) as self._asking:
                return await self._ended(kernel, pending)
            return await pending.wait()  # what it found until it was interrupted

    def _idle_kernel(self) -> Kernel:
        if self._is_busy:
            raise WorkerBusyError("a cell is running; wait for it or interrupt it")
        return self._live_kernel()

    def _live_kernel(self) -> Kernel:
        if self._kernel is None:
            raise WorkerClosedError("the worker is closed; restart it or open another")
        return self._kernel

    async def _run_kernel(self, task_status: trio.TaskStatus[Kernel]) -> None:
        ended = self._kernel_ended = trio.Event()
        launched, self._launched = self._launched, None
        try:
            with trio.CancelScope() as self._kernel_scope:
                async with open_kernel(
                    self._assets, self._files, self._limits, launched, self._grants
                ) as kernel:
                    task_status.started(kernel)
                    await trio.sleep_forever()
        finally:
            ended.set()

    async def _end_kernel(self) -> None:
        if self._kernel is not None:
            self._kernel = None
            self._kernel_scope.cancel()
            await self._kernel_ended.wait()


def _told_to_stop(reply: ExecuteReply, on_output: OnOutput) -> ExecuteReply:
    """Return the end of a cell that was told to stop but says that all went well."""
    name = KeyboardInterrupt.__name__
    on_output(Error(ename=name, evalue="", traceback=[name]))
    return ExecuteReply(
        status="error", execution_count=reply.execution_count, ename=name
    )


def _ended_late(reply: ExecuteReply, text: str, on_output: OnOutput) -> ExecuteReply:
    """Return the end of a cell that was interrupted because its time was over."""
    name = TimeoutError.__name__
    on_output(Error(ename=name, evalue=text, traceback=[f"{name}: {text}"]))
    return ExecuteReply(
        status="error",
        execution_count=reply.execution_count,
        ename=name,
        evalue=text,
    )


@asynccontextmanager
async def open_worker(
    options: WorkerOptions | None = None,
    *,
    on_setup: OnSetup | None = None,
    assets: Assets | None = None,
    launched: LaunchedProcess | None = None,
) -> AsyncGenerator[Worker]:
    """Start a sandboxed Python; at the end of the block nothing of it is left.

    The first time on a machine Pyodide and IPython are fetched, and an image of their
    memory is made.

    Args:
        options: how it is set up.
        on_setup: told what is being done, from other threads.
        assets: what `prepare` returned for these options, if it was called already.
        launched: a process from `launch_early`, which is used if it is of the kind
            that the options want.

    Raises:
        SetupError: Deno or Pyodide cannot be had, or the process not started.
        PackageError: one of the kernel's packages cannot be had.
        WorkerDiedError: the process ended, or was silent, before it was ready.
    """
    options = options or WorkerOptions()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(cache_use(options.cache_dir))
        if assets is None:
            assets = await trio.to_thread.run_sync(partial(prepare, options, on_setup))
        files = stack.enter_context(open_files(options.mounts, options.output_dir))
        nursery = await stack.enter_async_context(open_flat_nursery())
        if launched and launched.paths.installation != assets.installation:
            launched = None
        worker = Worker(nursery, assets, files, options, launched)
        await worker.restart()
        nursery.start_soon(trio.to_thread.run_sync, sweep, check_cancelled)
        try:
            yield worker
        finally:
            nursery.cancel_scope.cancel()
