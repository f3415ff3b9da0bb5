"""The interactive console: prompt, cell, outputs, and again."""

import signal
from collections.abc import AsyncIterator
from typing import Final, Protocol

import trio

from runt_cli._cell_printer import show
from runt_cli._pictures import PictureFolder, find_picture
from runt_cli._printer import Printer
from runt_worker import (
    DisplayData,
    ExecuteResult,
    OnInput,
    Output,
    UpdateDisplayData,
    Worker,
    WorkerDiedError,
    open_flat_nursery,
)

SECOND_INTERRUPT_S: Final = 5.0
"""A second Ctrl-C within so long means that the first one was not heeded."""

_LEAVE: Final = frozenset({"exit", "exit()", "quit", "quit()"})


class Prompt(Protocol):
    """Where inputs come from."""

    async def read(self, number: int) -> str | None:
        """Return the next input, empty if there is none yet; None at the end."""
        ...


class Console:
    """Runs what is typed, until it is left. Ctrl-C interrupts what runs."""

    def __init__(
        self,
        worker: Worker,
        prompt: Prompt,
        printer: Printer,
        pictures: PictureFolder,
        on_input: OnInput | None,
    ) -> None:
        """Make a console.

        Args:
            worker: Runs the cells.
            prompt: Reads them.
            printer: Shows what they put out.
            pictures: Takes what no terminal shows.
            on_input: Answers what cells ask for; None: nobody does.
        """
        self._worker = worker
        self._prompt = prompt
        self._printer = printer
        self._pictures = pictures
        self._on_input = on_input
        self._number = 1
        self._is_running = False
        self._interrupted_at = -SECOND_INTERRUPT_S

    async def run(self) -> None:
        """Read and run until the user leaves.

        Raises:
            WorkerError: The sandbox ended, and no other could be started.
        """
        # A signal between two cells, when it came too late, must not end the console.
        with trio.open_signal_receiver(signal.SIGINT) as signals:
            async with open_flat_nursery() as nursery:
                nursery.start_soon(self._heed, signals)
                while (code := await self._prompt.read(self._number)) is not None:
                    if code.strip() in _LEAVE:
                        break
                    if code.strip():
                        await self._run(code)
                nursery.cancel_scope.cancel()

    async def _run(self, code: str) -> None:
        self._is_running, self._interrupted_at = True, -SECOND_INTERRUPT_S
        try:
            reply = await self._worker.execute(code, self._show, self._on_input)
            self._number = reply.execution_count + 1
        except WorkerDiedError as death:
            await self._restart(death)
        finally:
            self._is_running = False
            self._printer.end_cell()

    async def _restart(self, death: WorkerDiedError) -> None:
        self._printer.note(f"{death}; a fresh Python starts, all variables are gone")
        await self._worker.restart()
        self._number = 1

    async def _heed(self, signals: AsyncIterator[int]) -> None:
        async for _ in signals:
            if not self._is_running:
                continue
            now = trio.current_time()
            if now - self._interrupted_at < SECOND_INTERRUPT_S:
                # Its cell ends by that, and whoever waits for it restarts the worker.
                await self._worker.aclose()
            else:
                self._interrupted_at = now
                self._worker.interrupt()

    def _show(self, output: Output) -> None:
        show(output, self._printer, numbered=True)
        if isinstance(output, DisplayData | UpdateDisplayData | ExecuteResult):
            self._save_picture(output)

    def _save_picture(
        self, output: DisplayData | UpdateDisplayData | ExecuteResult
    ) -> None:
        picture = find_picture(output.data)
        if picture is None:
            return
        try:
            path = self._pictures.save(picture)
        except OSError as error:
            where = f"could not be saved: {error.strerror}"
        else:
            where = f"saved to {path}"
        self._printer.note(f"[{picture.describe()}, {where}]")
