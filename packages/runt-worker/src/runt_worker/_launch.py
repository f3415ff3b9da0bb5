"""A sandbox process and what it needs of the operating system, started at once.

Nothing here needs more than the standard library, so that a command can start the
process first and do its own, slower imports while the process starts.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from runt_worker._command import Installation, ProcessPaths, command, environment
from runt_worker._confinement import file_rules, library_directories, spawn_confined
from runt_worker._errors import SetupError
from runt_worker._private_directory import private_directory


class ControlFifos(NamedTuple):
    """Descriptors of the control FIFOs, non-blocking."""

    to_sandbox: int
    from_sandbox: int


class LaunchedProcess:
    """A Deno process that runs. Made by `launch` only.

    Attributes:
        paths: what it sees of the host.
        popen: the process; its standard error is a pipe.
    """

    def __init__(
        self, paths: ProcessPaths, popen: subprocess.Popen[bytes], fifos: ControlFifos
    ) -> None:
        self.paths = paths
        self.popen = popen
        self._fifos: ControlFifos | None = fifos

    def take_fifos(self) -> ControlFifos:
        """Hand over the FIFOs, once: whoever has them closes them."""
        if self._fifos is None:
            raise ValueError("the process is used already")
        fifos, self._fifos = self._fifos, None
        return fifos

    def kill(self) -> None:
        """End it and whatever it may have started, at once."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)

    def end(self) -> None:
        """End it, and let go of all that was not handed over."""
        self.kill()
        self.popen.wait()
        if self.popen.stderr is not None:
            self.popen.stderr.close()
        for descriptor in self._fifos or ():
            os.close(descriptor)


@contextmanager
def launch(installation: Installation) -> Generator[LaunchedProcess]:
    """Start a sandbox process; at the end of the block nothing of it is left.

    Raises:
        SetupError: the operating system would not start it.
    """
    with ExitStack() as stack:
        try:
            run_directory = stack.enter_context(private_directory("sandbox"))
            launched = _start(
                ProcessPaths(installation=installation, run_directory=run_directory)
            )
        except OSError as error:
            text = f"cannot start the sandbox process: {error}"
            raise SetupError(text) from error
        try:
            yield launched
        finally:
            launched.end()


def _start(paths: ProcessPaths) -> LaunchedProcess:
    arguments = command(paths)
    _lay_out(paths)
    with ExitStack() as on_error:
        descriptors: list[int] = []
        for fifo in (paths.control_in, paths.control_out):
            # For both directions: no end of file while the other side is not there
            # yet. That the process has gone is told by its exit, not by the FIFO.
            descriptors.append(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))
            on_error.callback(os.close, descriptors[-1])
        popen = _spawn(arguments, paths)
        on_error.pop_all()
    return LaunchedProcess(paths, popen, ControlFifos(*descriptors))


def _spawn(arguments: list[str], paths: ProcessPaths) -> subprocess.Popen[bytes]:
    def spawn() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # guest code could write anything there
            stderr=subprocess.PIPE,
            cwd=paths.working_directory,
            env=environment(paths),
            start_new_session=True,  # the terminal's Ctrl-C is not for it
        )

    return spawn_confined(file_rules(paths, library_directories()), spawn)


def _lay_out(paths: ProcessPaths) -> None:
    paths.working_directory.mkdir()
    image = paths.installation.image
    if image is None:
        paths.deno_directory.mkdir()
    else:
        # A copy: what a guest writes there, and it can, reaches no other process.
        shutil.copytree(image.deno_directory, paths.deno_directory, symlinks=True)
    for fifo in (
        paths.control_in,
        paths.control_out,
        paths.call_request,
        paths.call_reply,
    ):
        os.mkfifo(fifo, 0o600)
