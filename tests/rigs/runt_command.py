"""The command `runt` in processes of its own, as people start it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

EXECUTABLE: Final = Path(sys.executable).with_name("runt")
DEADLINE_S: Final = 120.0
"""For any one command; the first on a machine also fetches Pyodide and packages."""

_OURS: Final = re.compile(r"NOTEBOOK_ID|AUTH_TOKEN|RUNT_|LIVESTORE_SYNC_URL|RUNTIME_ID")


class Finished(NamedTuple):
    """What a command has left: its exit status and what it said."""

    status: int
    out: str
    err: str


def environment(**variables: str) -> dict[str, str]:
    """Give this process's variables without those that mean something to `runt`."""
    clean = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
    return clean | variables


def runt(
    *arguments: str | Path,
    stdin: str = "",
    cwd: str | Path | None = None,
    **variables: str,
) -> Finished:
    """Run a command to its end."""
    done = subprocess.run(
        [EXECUTABLE, *arguments],
        input=stdin,
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@dataclass
class RunningCommand:
    """A command that goes on; its outputs are files, so that it never waits for us."""

    process: subprocess.Popen[bytes]
    out_file: Path
    err_file: Path

    def wait_for(self, pattern: str, *, in_err: bool = False) -> str:
        """Wait until it has said something, on standard output unless told otherwise.

        Returns:
            The pattern's group, or all of it.
        """
        file = self.err_file if in_err else self.out_file
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if found := re.search(pattern, file.read_text(), re.MULTILINE):
                return found.group(found.re.groups)
            assert self.process.poll() is None, self.err_file.read_text()
            time.sleep(0.02)
        raise AssertionError(f"{pattern} did not come: {file.read_text()}")

    def stop(self, by: signal.Signals = signal.SIGINT) -> Finished:
        """Send a signal and wait for the end."""
        self.process.send_signal(by)
        status = self.process.wait(timeout=30)
        return Finished(status, self.out_file.read_text(), self.err_file.read_text())


@contextmanager
def running(
    folder: Path, *arguments: str | Path, name: str = "command", **variables: str
) -> Generator[RunningCommand]:
    """Have a command run while the block runs; then it is killed.

    Args:
        folder: Where its outputs go.
        arguments: What stands behind `runt`.
        name: What its outputs are called.
        variables: Of its environment.
    """
    out_file, err_file = folder / f"{name}.out", folder / f"{name}.err"
    with out_file.open("wb") as out, err_file.open("wb") as err:
        process = subprocess.Popen(
            [EXECUTABLE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment(**variables),
        )
    try:
        yield RunningCommand(process, out_file, err_file)
    finally:
        process.kill()
        process.wait()
