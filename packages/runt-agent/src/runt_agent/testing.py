"""A worker without a sandbox, for tests of whatever drives an agent."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import trio

from runt_worker import Error, ExecuteReply, OnOutput, Stream, WorkerDiedError

Cell: TypeAlias = Callable[["ScriptedWorker", OnOutput], Awaitable[None]]
"""What a source does: emits outputs, waits, raises."""


class CellError(Exception):
    """Raised by a cell of a `ScriptedWorker` to end in an error."""


class ScriptedWorker:
    """Runs functions in place of code; satisfies `runt_agent.CellWorker`.

    Attributes:
        executed: The sources that were run, in order.
        interrupts: How often it was told to interrupt.
        restarts: How often it was started afresh.
    """

    def __init__(self, cells: Mapping[str, Cell] | None = None) -> None:
        """Prepare a script.

        Args:
            cells: Source → what it does. Any other source is printed to stdout.
        """
        self._cells = dict(cells or {})
        self._interrupted = trio.Event()
        self._is_dead = False
        self.executed: list[str] = []
        self.interrupts = 0
        self.restarts = 0

    async def execute(self, code: str, on_output: OnOutput) -> ExecuteReply:
        """Run a cell.

        Args:
            code: The source.
            on_output: Takes the outputs.

        Raises:
            WorkerDiedError: The cell called `die`, or an earlier one did.
        """
        self._check_alive()
        self._interrupted = trio.Event()
        self.executed.append(code)
        count = len(self.executed)
        try:
            await self._cells.get(code, _print_source(code))(self, on_output)
        except (CellError, KeyboardInterrupt) as error:
            name, text = type(error).__name__, str(error)
            on_output(Error(ename=name, evalue=text, traceback=[f"{name}: {text}"]))
            return ExecuteReply(
                status="error", execution_count=count, ename=name, evalue=text
            )
        self._check_alive()
        return ExecuteReply(status="ok", execution_count=count)

    def interrupt(self) -> None:
        """Wake the cell that waits in `until_interrupted`."""
        self.interrupts += 1
        self._interrupted.set()

    async def restart(self) -> None:
        """Be alive again."""
        await trio.lowlevel.checkpoint()
        self._is_dead = False
        self.restarts += 1

    async def until_interrupted(self) -> None:
        """Wait for an interrupt; for cells.

        Raises:
            KeyboardInterrupt: It came.
        """
        await self._interrupted.wait()
        raise KeyboardInterrupt

    def die(self) -> None:
        """End like a process that crashed; for cells."""
        self._is_dead = True

    def _check_alive(self) -> None:
        if self._is_dead:
            raise WorkerDiedError("the script said so")


def _print_source(code: str) -> Cell:
    async def print_source(_: ScriptedWorker, on_output: OnOutput) -> None:
        await trio.lowlevel.checkpoint()
        on_output(Stream(name="stdout", text=code))

    return print_source
