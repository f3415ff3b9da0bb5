"""A script of ours in Deno, which answers a JSON line for each one that it is sent."""

import json
import os
import signal
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import trio

from livestore_rig._installation import Installation

_ANSWER_S: Final = 60
"""Past that it hangs; a busy machine has started a LiveStore in a tenth of it."""

_END_S: Final = 10


class RigError(Exception):
    """A script failed, or answered that it could not do something."""


class Script:
    """A running script.

    Attributes:
        greeting: What it said when it was ready.
    """

    def __init__(self, process: trio.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._lines = _Lines(process)
        self._turn = trio.Lock()
        self.greeting: Any = None

    async def ask(self, request: dict[str, object]) -> Any:
        """Send a request and return its answer.

        Raises:
            RigError: The script cannot do that, or has ended, or is silent.
        """
        stdin = self._process.stdin
        assert stdin is not None
        async with self._turn:
            await stdin.send_all(json.dumps(request).encode() + b"\n")
            return await self.receive()

    async def receive(self) -> Any:
        """Return the next answer; raises as `ask`."""
        try:
            with trio.fail_after(_ANSWER_S):
                line = await self._lines.receive()
        except trio.TooSlowError:
            raise RigError(f"no answer; its log ends: {self._log_end()}") from None
        if not line:
            raise RigError(f"the script ended; its log ends: {self._log_end()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RigError(answer["error"])
        return answer["ok"]

    async def kill(self) -> None:
        """End it at once, with whatever it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def _log_end(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]


class _Lines:
    """Cuts what comes from a process into lines."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdout is not None
        self._stdout = process.stdout
        self._rest = bytearray()

    async def receive(self) -> bytes:
        """Return the next line, b"" at the end."""
        while b"\n" not in self._rest:
            data = await self._stdout.receive_some()
            if not data:
                return b""
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return bytes(line)


@asynccontextmanager
async def open_script(
    installation: Installation, log: Path, script: str, *arguments: str | Path
) -> AsyncGenerator[Script]:
    """Start a script and wait until it is ready; it ends with the block.

    Args:
        installation: Where it is.
        log: A new file for what LiveStore logs.
        script: Its name.
        arguments: Its arguments.

    Raises:
        RigError: It did not become ready.
    """
    with log.open("wb") as stderr:
        process = await trio.lowlevel.open_process(
            installation.command(script, *arguments),
            env=installation.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,  # a group of its own, to be ended as a whole
        )
    running = Script(process, log)
    try:
        running.greeting = await running.receive()
        yield running
    finally:
        with trio.CancelScope(shield=True):
            await _end(running, process)


async def _end(script: Script, process: trio.Process) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdin.aclose()  # workerd leaves with its parent only when told so
    with trio.move_on_after(_END_S):
        await process.wait()
    await script.kill()
    await process.stdout.aclose()
