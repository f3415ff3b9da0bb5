"""The agent of a soak: ``runt`` as a process of its own, seen from outside."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import trio
from cells import ENDLESS_S

EXECUTABLE: Final = Path(sys.executable).with_name("runt")
GRACE_S: Final = 1.0
STOP_TIMEOUT_S: Final = 30.0
LAST_WORDS_CHARS: Final = 4000
MEBIBYTE: Final = 1024 * 1024


class Usage(NamedTuple):
    """What a process has of the machine."""

    memory: int
    descriptors: int
    threads: int

    def __str__(self) -> str:
        """Return a line for a person."""
        return (
            f"{self.memory / MEBIBYTE:.1f} MB, {self.descriptors} descriptors, "
            f"{self.threads} threads"
        )


class AgentProcess:
    """Starts the agent, ends it well or badly, and starts it again.

    Attributes:
        statuses: the exit status of each agent that was asked to stop.
        log: what all of them wrote to standard error.
    """

    def __init__(self, sync_url: str, token: str, directory: Path) -> None:
        """Start none yet.

        Args:
            sync_url: the server.
            token: lets it in.
            directory: for its temporary files, its outputs and its log.
        """
        self.temporary = directory / "tmp"
        self.outputs = directory / "outputs"
        self.log = directory / "agent.log"
        self.statuses: list[int] = []
        self.temporary.mkdir()
        self._sync_url = sync_url
        self._token = token
        self._popen: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(self) -> None:
        """Start it; it joins the notebook some time later."""
        arguments = {
            "--notebook": "soak",
            "--sync-url": self._sync_url,
            "--cell-timeout": ENDLESS_S,
            "--interrupt-grace": GRACE_S,
            "--max-output": "1M",
            "--output-dir": self.outputs,
        }
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(
                [EXECUTABLE, *(str(part) for it in arguments.items() for part in it)],
                env=os.environ
                | {"AUTH_TOKEN": self._token, "TMPDIR": str(self.temporary)},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    async def stop(self) -> None:
        """Ask it to end, as Ctrl-C does, and wait for that.

        Raises:
            trio.TooSlowError: it does not end.
        """
        self._running.send_signal(signal.SIGTERM)
        self.statuses.append(await self._wait())

    async def kill(self) -> None:
        """Let it end without a word."""
        self._running.kill()
        await self._wait()

    @property
    def has_ended(self) -> bool:
        """Whether it has ended though nobody has asked it to."""
        return self._running.poll() is not None

    def last_words(self) -> str:
        """Return its exit status, and the last of what it has written itself."""
        written = self.log.read_bytes()[self._log_start :].decode(errors="replace")
        return f"status {self._running.returncode}\n{written[-LAST_WORDS_CHARS:]}"

    def usage(self) -> Usage:
        """Return what it has of the machine now."""
        process = Path(f"/proc/{self._running.pid}")
        fields = dict(
            line.split(":", 1)
            for line in (process / "status").read_text().splitlines()
            if ":" in line
        )
        return Usage(
            memory=int(fields["VmRSS"].split()[0]) * 1024,
            descriptors=sum(1 for _ in (process / "fd").iterdir()),
            threads=int(fields["Threads"]),
        )

    def sandboxes(self) -> list[int]:
        """Return the Deno processes of this agent and of those before it."""
        marker = f"DENO_DIR={self.temporary}".encode()
        return [pid for pid in _processes() if _environment_has(pid, marker)]

    def zombies(self) -> list[int]:
        """Return the children of the agent that have ended and are not reaped."""
        return [
            pid
            for pid in _processes()
            if _state_and_parent(pid) == ("Z", self._running.pid)
        ]

    def leftovers(self) -> list[str]:
        """Return what is in its temporary directory."""
        return sorted(path.name for path in self.temporary.iterdir())

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._popen is None:
            raise RuntimeError("the agent was not started")
        return self._popen

    async def _wait(self) -> int:
        with trio.fail_after(STOP_TIMEOUT_S):
            while (status := self._running.poll()) is None:  # noqa: ASYNC110 - nothing tells
                await trio.sleep(0.02)
        return status


def _processes() -> Iterator[int]:
    return (int(it.name) for it in Path("/proc").iterdir() if it.name.isdecimal())


def _environment_has(pid: int, marker: bytes) -> bool:
    try:
        return marker in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return False


def _state_and_parent(pid: int) -> tuple[str, int] | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, parent = stat.rpartition(")")[2].split()[:2]
    return state, int(parent)
