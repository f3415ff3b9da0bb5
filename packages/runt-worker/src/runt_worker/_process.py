"""One sandbox process: its FIFOs, its last words, its end."""

import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from runt_worker._command import ProcessPaths, command, environment
from runt_worker._errors import SetupError, WorkerDiedError
from runt_worker._limits import Limits
from runt_worker._options import Assets

_CHUNK_BYTES = 1024 * 1024


class SandboxProcess:
    """A running Deno process. Made by `open_process` only.

    Attributes:
        paths: what it sees of the host.
    """

    def __init__(
        self, process: trio.Process, paths: ProcessPaths, limits: Limits
    ) -> None:
        self._process = process
        self.paths = paths
        self._limits = limits
        # Opened for both directions: no end of file while the other side is not there
        # yet. That the process has gone is told by its exit, not by the FIFO.
        self._to_sandbox = _open_fifo(paths.control_in)
        self._from_sandbox = _open_fifo(paths.control_out)
        self._sending = trio.Lock()
        self._stderr = bytearray()

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its process group."""
        return self._process.pid

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
            code = await self._process.wait()
            # Its last words may still be in the pipe.
            last_words_s = self._limits.stop_timeout_s
            nursery.cancel_scope.deadline = trio.current_time() + last_words_s
        how = (
            f"was ended by {signal.Signals(-code).name}"
            if code < 0
            else f"ended with status {code}"
        )
        words = self._stderr.decode("utf-8", errors="replace").strip()
        return f"the sandbox process {how}" + (f": {words}" if words else "")

    async def _keep_stderr(self) -> None:
        if self._process.stderr is None:
            raise RuntimeError("the process was started without a pipe for stderr")
        async for chunk in self._process.stderr:
            self._stderr += chunk
            del self._stderr[: -self._limits.stderr_bytes]

    def close_input(self) -> None:
        """Send nothing more; whoever is sending is told that the process is gone."""
        self._to_sandbox.close()

    def kill(self) -> None:
        """End it and whatever it may have started, at once."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End it: by end of file, and if that takes too long, by force."""
        with trio.CancelScope(shield=True):
            self.close_input()
            with trio.move_on_after(self._limits.stop_timeout_s):
                await self._process.wait()
            self.kill()
            await self._process.wait()
            self._from_sandbox.close()
            if self._process.stderr is not None:
                await self._process.stderr.aclose()


@asynccontextmanager
async def open_process(
    assets: Assets, limits: Limits
) -> AsyncGenerator[SandboxProcess]:
    """Start a sandbox process; at the end of the block nothing of it is left.

    Raises:
        SetupError: the operating system would not start it.
    """
    with tempfile.TemporaryDirectory(
        prefix="runt-", ignore_cleanup_errors=True
    ) as directory:
        paths = _make_run_directory(assets, directory)
        try:
            process = await trio.lowlevel.open_process(
                command(paths),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # guest code could write anything there
                stderr=subprocess.PIPE,
                cwd=paths.working_directory,
                env=environment(paths),
                start_new_session=True,  # the terminal's Ctrl-C is not for it
            )
        except OSError as error:
            raise SetupError(f"cannot start the sandbox process: {error}") from error
        sandbox = SandboxProcess(process, paths, limits)
        try:
            yield sandbox
        finally:
            await sandbox.stop()


def _make_run_directory(assets: Assets, directory: str) -> ProcessPaths:
    paths = assets.process_paths(Path(directory).resolve())
    paths.working_directory.mkdir()
    paths.deno_directory.mkdir()
    for fifo in (
        paths.control_in,
        paths.control_out,
        paths.call_request,
        paths.call_reply,
    ):
        os.mkfifo(fifo, 0o600)
    return paths


def _open_fifo(path: Path) -> trio.lowlevel.FdStream:
    return trio.lowlevel.FdStream(os.open(path, os.O_RDWR | os.O_NONBLOCK))
