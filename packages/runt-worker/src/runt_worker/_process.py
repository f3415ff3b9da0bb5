"""One sandbox process: its FIFOs, its last words, its end."""

import os
import signal
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager

import trio

from runt_worker._command import Installation, ProcessPaths
from runt_worker._errors import WorkerDiedError
from runt_worker._launch import LaunchedProcess, launch
from runt_worker._limits import Limits

_CHUNK_BYTES = 1024 * 1024


class SandboxProcess:
    """A running Deno process. Made by `open_process` only."""

    def __init__(self, launched: LaunchedProcess, limits: Limits) -> None:
        self._launched = launched
        self._popen = launched.popen
        self._limits = limits
        fifos = launched.take_fifos()
        self._to_sandbox = trio.lowlevel.FdStream(fifos.to_sandbox)
        self._from_sandbox = trio.lowlevel.FdStream(fifos.from_sandbox)
        self._sending = trio.Lock()
        self._stderr = bytearray()

    @property
    def paths(self) -> ProcessPaths:
        """What it sees of the host."""
        return self._launched.paths

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its process group."""
        return self._popen.pid

    async def send(self, data: bytes) -> None:
        """Send a whole frame.

        Raises:
            WorkerDiedError: the connection is closed.
        """
        try:
            # Half a frame would garble all that follow, so a cancellation waits; a
            # process that does not read any more is killed, which closes this.
            with trio.CancelScope(shield=True):
                async with self._sending:
                    await self._to_sandbox.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise WorkerDiedError("the sandbox process is gone") from error

    async def receive_some(self) -> bytes:
        """Return bytes that the process wrote, at least one."""
        return await self._from_sandbox.receive_some(_CHUNK_BYTES)

    def receive_rest(self) -> bytes:
        """Return what lies in the FIFO of a process that has ended."""
        rest = bytearray()
        while True:
            try:
                rest += os.read(self._from_sandbox.fileno(), _CHUNK_BYTES)
            except BlockingIOError:
                return bytes(rest)

    async def wait(self) -> str:
        """Wait for its end and return what happened, in one sentence."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_stderr)
            code = await self.exit_code()
            # Its last words may still be in the pipe.
            last_words_s = self._limits.stop_timeout_s
            nursery.cancel_scope.deadline = trio.current_time() + last_words_s
        words = self._stderr.decode("utf-8", errors="replace").strip()
        return f"the sandbox process {_end(code)}" + (f": {words}" if words else "")

    async def _keep_stderr(self) -> None:
        if self._popen.stderr is None:
            raise RuntimeError("the process was started without a pipe for stderr")
        descriptor = os.dup(self._popen.stderr.fileno())
        async with trio.lowlevel.FdStream(descriptor) as stream:
            async for chunk in stream:
                self._stderr += chunk
                del self._stderr[: -self._limits.stderr_bytes]

    async def exit_code(self) -> int:
        """Wait for its end, and reap it; several tasks may."""
        while (code := self._popen.poll()) is None:
            await _wait_for_exit(self._popen.pid)
        return code

    def close_input(self) -> None:
        """Send nothing more; whoever is sending is told that the process is gone."""
        self._to_sandbox.close()

    def kill(self) -> None:
        """End it and whatever it may have started, at once."""
        self._launched.kill()

    async def stop(self) -> None:
        """End it: by end of file, and if that takes too long, by force."""
        with trio.CancelScope(shield=True):
            self.close_input()
            with trio.move_on_after(self._limits.stop_timeout_s):
                await self.exit_code()
            self.kill()
            await self.exit_code()
            self._from_sandbox.close()


def _end(code: int) -> str:
    if code == -signal.SIGXFSZ:  # by the limit that `_usage.py` sets
        return "was ended: it wrote more into Deno's own directory than it may"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"


async def _wait_for_exit(pid: int) -> None:
    """Wait until a child has ended, without reaping it: its number stays its own."""
    if not hasattr(os, "pidfd_open"):  # only Linux has it

        def wait() -> None:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

        await trio.to_thread.run_sync(wait, abandon_on_cancel=True)
        return
    descriptor = os.pidfd_open(pid)
    try:
        await trio.lowlevel.wait_readable(descriptor)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def open_process(
    installation: Installation,
    limits: Limits,
    launched: LaunchedProcess | None = None,
) -> AsyncGenerator[SandboxProcess]:
    """Start a sandbox process; at the end of the block nothing of it is left.

    Args:
        installation: what it is started from.
        limits: how long its end may take, and how much of its last words is kept.
        launched: one that was started already, which is used instead.

    Raises:
        SetupError: the operating system would not start it.
    """
    with ExitStack() as stack:
        if launched is None:
            launched = stack.enter_context(launch(installation))
        process = SandboxProcess(launched, limits)
        try:
            yield process
        finally:
            await process.stop()
