"""A kernel: one sandbox process, and the requests that wait for its answers."""

import contextlib
import itertools
import logging
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import trio

from runt_worker._bytecode import BytecodeCompiler
from runt_worker._calls import CallServer, dispatch
from runt_worker._errors import GuestProtocolError, WorkerDiedError
from runt_worker._file_calls import FileCalls
from runt_worker._files import SandboxFiles
from runt_worker._frames import FrameDecoder, unfinished
from runt_worker._image import discard
from runt_worker._launch import LaunchedProcess
from runt_worker._limits import Limits
from runt_worker._network import NetworkCalls, NetworkGrants
from runt_worker._nursery import open_flat_nursery
from runt_worker._options import Assets
from runt_worker._package_calls import PackageCalls
from runt_worker._package_session import PackageSession
from runt_worker._pending_request import OnOutput, PauseS, PendingRequest, ReplyT
from runt_worker._process import SandboxProcess, open_process
from runt_worker._replies import (
    CompleteReply,
    ErrorReply,
    ExecuteReply,
    Fatal,
    InspectReply,
    IsCompleteReply,
    Ready,
    Received,
    decode_received,
)
from runt_worker._requests import (
    Initialize,
    InputNews,
    InterruptRequest,
    NetworkNews,
    Request,
    encode_request,
)
from runt_worker._stdin import Dialogue, InputCalls, InputRequest, OnInput
from runt_worker._usage import watch_usage

_log = logging.getLogger(__name__)

NO_GRANTS = NetworkGrants()

_LONE_END_S = 0.5
"""So long after the end of the guest's thread its process may still say why."""


class Kernel:
    """Made by `open_kernel` only; works until its process ends."""

    def __init__(
        self,
        process: SandboxProcess,
        calls: CallServer,
        inputs: InputCalls,
        network: NetworkCalls,
    ) -> None:
        self._process = process
        self._calls = calls
        self._inputs = inputs
        self._network = network
        self._numbers = itertools.count(1)
        self._pending: dict[int, PendingRequest[Any]] = {}
        self._ready = trio.Event()
        self._is_restored = False
        self._death: WorkerDiedError | None = None

    @property
    def pid(self) -> int:
        """Process id of the sandbox."""
        return self._process.pid

    @property
    def is_restored(self) -> bool:
        """Whether it was started from a memory image."""
        return self._is_restored

    async def start(self, initialize: Initialize, limits: Limits) -> None:
        """Tell the sandbox where things are and wait until it is ready.

        Raises:
            WorkerDiedError: it ended or stayed silent.
        """
        await self._send(0, initialize)
        with trio.move_on_after(limits.start_timeout_s) as scope:
            await self._ready.wait()
        if scope.cancelled_caught:
            raise WorkerDiedError(
                f"the sandbox was not ready within {limits.start_timeout_s:.0f} s"
            )
        self._raise_if_dead()
        self._calls.guest_has_come()

    async def submit(
        self,
        content: Request,
        reply_type: type[ReplyT],
        on_output: OnOutput | None = None,
        dialogue: Dialogue | None = None,
        pause_s: PauseS | None = None,
    ) -> PendingRequest[ReplyT]:
        """Send a request.

        Args:
            content: what is asked.
            reply_type: what it is answered with.
            on_output: called with the outputs that come before the answer.
            dialogue: takes the questions of a cell; None: nobody can answer them.
            pause_s: asked after outputs have come; while it says so no more of them
                are taken, and the cell waits before long.

        Raises:
            WorkerDiedError: the process has ended.
        """
        number = next(self._numbers)
        pending = PendingRequest(number, reply_type, on_output, dialogue, pause_s)
        self._pending[pending.number] = pending
        self._network.cell = pending.number
        await self._send(pending.number, content)
        return pending

    def dialogue(self, on_input: OnInput) -> Dialogue:
        """Return what puts the questions of a cell and gives it the answers."""
        return Dialogue(on_input, self._answer)

    async def interrupt(
        self, pending: PendingRequest[ReplyT], *, force: bool = False
    ) -> None:
        """Interrupt that request; if it was answered, nothing happens.

        Args:
            pending: which one.
            force: raise in it until it has ended, whatever it catches.

        Raises:
            WorkerDiedError: the process has ended.
        """
        pending.stopping()
        self._calls.interrupt()
        self._network.interrupt(pending.number)
        await self._send(pending.number, InterruptRequest(force=force))

    def kill(self, death: WorkerDiedError) -> None:
        """End the process; whoever waits is told why."""
        self._died(death)
        self._process.kill()

    async def supervise(self, limits: Limits) -> None:
        """Watch process, messages and calls; when one ends it, tell everyone why."""
        decoder = FrameDecoder(limits.max_frame_bytes)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._receive, decoder, limits.frame_timeout_s)
                nursery.start_soon(self._serve_calls)
                nursery.start_soon(self._network.serve, self._send_news)
                nursery.start_soon(watch_usage, self._process, limits)
                reason = await self._process.wait()
                nursery.cancel_scope.cancel()
            self._take(decoder, self._process.receive_rest())
            death = WorkerDiedError(reason)
        except* WorkerDiedError as group:
            death = _first(group)
        self._died(death)
        self._process.kill()
        await self._process.exit_code()  # no zombie, however long nobody restarts it

    async def _serve_calls(self) -> None:
        try:
            # Abandoned at the end: `CallServer.stop` lets the thread go.
            await trio.to_thread.run_sync(self._calls.serve, abandon_on_cancel=True)
        except WorkerDiedError:
            raise
        except Exception as error:
            # A fault of ours, but one that a guest has found: it costs its kernel.
            raise WorkerDiedError(f"a call could not be answered: {error!r}") from error
        # It ends with its process, which then says why; or alone, unseen by Deno.
        await trio.sleep(_LONE_END_S)
        raise WorkerDiedError("guest code ended its own thread, or closed its files")

    async def _answer(self, question: int, line: str | None) -> None:
        self._inputs.answer(question, line)
        with contextlib.suppress(WorkerDiedError):  # whoever waits for the cell is told
            await self._send(0, InputNews(question=question))

    async def _send_news(self, exchanges: list[int]) -> None:
        await self._send(0, NetworkNews(exchanges=exchanges))

    async def _receive(self, decoder: FrameDecoder, frame_timeout_s: float) -> None:
        while True:
            # Between two frames any silence is right: whatever runs may say nothing.
            patience_s = frame_timeout_s if decoder.has_begun else math.inf
            try:
                with trio.fail_after(patience_s):
                    data = await self._process.receive_some()
            except trio.TooSlowError:
                raise unfinished(frame_timeout_s) from None
            self._take(decoder, data)
            for pending in list(self._pending.values()):
                await pending.hold_back()

    def _take(self, decoder: FrameDecoder, data: bytes) -> None:
        for frame in decoder.receive_data(data):
            self._dispatch(decode_received(frame))

    def _dispatch(self, received: Received) -> None:
        match received.content:
            case Ready() if self._ready.is_set():
                raise GuestProtocolError("the sandbox was ready a second time")
            case Ready(restored=restored):
                self._is_restored = restored
                self._ready.set()
            case Fatal(reason=reason):
                raise WorkerDiedError(f"the kernel failed: {reason}")
            case (
                ExecuteReply()
                | CompleteReply()
                | InspectReply()
                | IsCompleteReply()
                | ErrorReply() as reply
            ):
                self._pending_of(received).take(reply)
                del self._pending[received.request]
            case InputRequest() as request:
                self._pending_of(received).ask(request)
            case output:
                self._pending_of(received).show(output)

    def _pending_of(self, received: Received) -> PendingRequest[Any]:
        pending = self._pending.get(received.request)
        if pending is None:
            raise GuestProtocolError(
                f"the sandbox spoke of request {received.request}, "
                "which nobody waits for"
            )
        return pending

    async def _send(self, number: int, content: Request) -> None:
        self._raise_if_dead()
        try:
            await self._process.send(encode_request(number, content))
        except WorkerDiedError:
            self._raise_if_dead()  # it died meanwhile, and this knows of what
            raise

    def _died(self, death: WorkerDiedError) -> None:
        if self._death is not None:
            return  # what follows a death is not its reason
        self._death = death
        self._process.close_input()
        self._ready.set()
        for pending in self._pending.values():
            pending.die(death)
        self._pending.clear()

    def _raise_if_dead(self) -> None:
        if self._death:
            # A new exception each time: several may raise it.
            raise type(self._death)(self._death.reason)


def _first(group: BaseExceptionGroup[WorkerDiedError]) -> WorkerDiedError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


@asynccontextmanager
async def open_kernel(
    assets: Assets,
    files: SandboxFiles,
    limits: Limits,
    launched: LaunchedProcess | None = None,
    grants: NetworkGrants = NO_GRANTS,
) -> AsyncGenerator[Kernel]:
    """Start a sandbox process and yield its kernel when it is ready.

    Args:
        assets: what is on disk for it.
        files: what it has of files.
        limits: what it may use.
        launched: a process that was started already, which is used instead.
        grants: what its cells may reach on the network.

    Raises:
        SetupError: the process could not be started.
        WorkerDiedError: it ended, or was silent, before it was ready.
    """
    session = PackageSession(assets.kernel, assets.requested)
    compiler = BytecodeCompiler(assets.installation)
    package_calls = PackageCalls(assets.packages, session, compiler.start)
    inputs = InputCalls()
    network = NetworkCalls(grants, limits)
    async with (
        open_process(assets.installation, limits, launched) as process,
        open_flat_nursery() as nursery,
    ):
        paths = process.paths
        file_calls = FileCalls(files.directories)
        methods = {
            **package_calls.handlers(),
            "input_reply": inputs,
            **file_calls.handlers(),
            **network.handlers(),
        }
        calls = CallServer(
            paths.call_request,
            paths.call_reply,
            dispatch(methods),
            on_interrupt=package_calls.interrupt,
            on_end=file_calls.close,
            frame_timeout_s=limits.frame_timeout_s,
        )
        kernel = Kernel(process, calls, inputs, network)
        nursery.start_soon(kernel.supervise, limits)
        try:
            initialize = Initialize(
                packages=[str(path) for path in assets.start_packages],
                libraries=[str(path) for path in assets.start_libraries],
                importable=package_calls.importable(),
                mounts=files.mounts,
                call_request=str(paths.call_request),
                call_reply=str(paths.call_reply),
                max_frame_bytes=limits.max_frame_bytes,
                max_memory_bytes=limits.python_bytes,
            )
            await kernel.start(initialize, limits)
            _log.debug("sandbox process %d is ready", kernel.pid)
            if (image := process.paths.installation.image) and not kernel.is_restored:
                discard(image)
            yield kernel
        finally:
            package_calls.end()
            compiler.stop()
            calls.stop()
            kernel.kill(WorkerDiedError("the worker was stopped"))
            nursery.cancel_scope.cancel()
            _log.debug("sandbox process %d is stopped", kernel.pid)
