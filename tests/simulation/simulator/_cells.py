"""Cells of a simulation, and a worker that runs them.

A source is `cell <n>`; what it does follows from that number and the seed, so that the
worker and whoever checks the outcome know it alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

import trio

from runt_protocol import NotebookState
from runt_worker import (
    DisplayData,
    Error,
    ExecuteReply,
    OnOutput,
    Stream,
    WorkerDiedError,
)

from ._machine import Machine, this_machine
from ._trace import Trace

StepKind: TypeAlias = Literal["print", "display", "image", "sleep", "fail", "die"]

_INTERRUPT_GRACE_S = 5.0
_LARGE_IMAGE = "iVBORw0KGgo" + "A" * 9_000 + "="
_OVERSIZED = "x" * 1_000_000


@dataclass(frozen=True)
class Step:
    """One thing that a cell does.

    Attributes:
        kind: What.
        text: What it shows; unique in its cell.
        seconds: How long it takes.
    """

    kind: StepKind
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Cell:
    """What one source does.

    Attributes:
        steps: In order.
        is_deaf: Whether it ignores an interrupt.
    """

    steps: tuple[Step, ...]
    is_deaf: bool

    @property
    def shown(self) -> str:
        """What a reader sees of a cell that has run to its end."""
        return "".join(step.text for step in self.steps)

    @property
    def ends_well(self) -> bool:
        """Whether it reports success when nobody disturbs it."""
        return not any(step.kind in {"fail", "die"} for step in self.steps)


def cell_of(seed: int, number: int) -> Cell:
    """Tell what the source `cell <number>` does."""
    random = Random(f"{seed} {number}")  # noqa: S311 - replayable is what it has to be
    steps: list[Step] = []
    for place in range(random.randint(0, 6)):
        kind = random.choices(
            ("print", "display", "image", "sleep", "fail", "die"),
            (10, 4, 1, 6, 1, 0.5),
        )[0]
        text = f"<{number}.{place}>" if kind in {"print", "display", "image"} else ""
        seconds = random.choice((0.001, 0.05, 0.4, 2.0)) if kind == "sleep" else 0.0
        steps.append(Step(kind, text, seconds))
        if kind in {"fail", "die"}:
            break
    return Cell(tuple(steps), is_deaf=random.random() < 0.1)


def shown_of(state: NotebookState, cell_id: str) -> str:
    """Tell what a reader sees of a cell, errors left out."""
    parts: list[str] = []
    for output in state.outputs_of(cell_id):
        if output.output_type == "terminal":
            parts.append(state.text_of(output))
        elif output.output_type != "error":
            plain = (output.representations or {}).get("text/plain")
            parts.append(str(getattr(plain, "data", "")))
    return "".join(parts)


class SimulatedWorker:
    """Runs cells; satisfies `runt_agent.CellWorker`.

    Args:
        seed: The simulation's.
        starts: Told the source of each cell when it starts.
        trace: Takes notes.
    """

    def __init__(self, seed: int, starts: Callable[[str], None], trace: Trace) -> None:
        self._seed = seed
        self._starts = starts
        self._trace = trace
        self._interrupted = trio.Event()
        self._is_dead = False
        self._machine: Machine = this_machine.get()

    async def execute(self, code: str, on_output: OnOutput) -> ExecuteReply:
        """Run a cell.

        Raises:
            WorkerDiedError: It died, or did not end when it was told to.
        """
        if self._is_dead:
            raise WorkerDiedError("it is dead")
        self._interrupted = trio.Event()
        if self._machine.is_alive:
            self._starts(code)
        self._trace.note(self._machine.name, f"runs {code}")
        cell = cell_of(self._seed, int(code.removeprefix("cell ")))
        try:
            for step in cell.steps:
                await self._do(step, on_output, is_deaf=cell.is_deaf)
        except (ValueError, KeyboardInterrupt) as error:
            name = type(error).__name__
            on_output(Error(ename=name, evalue="", traceback=[name]))
            return ExecuteReply(status="error", execution_count=1, ename=name)
        return ExecuteReply(status="ok", execution_count=1)

    def interrupt(self) -> None:
        """Interrupt the running cell."""
        self._interrupted.set()

    async def restart(self) -> None:
        """Be alive again."""
        await trio.sleep(0.2)
        self._is_dead = False

    async def _do(self, step: Step, on_output: OnOutput, *, is_deaf: bool) -> None:
        match step.kind:
            case "print":
                on_output(Stream(name="stdout", text=step.text))
            case "display":
                on_output(DisplayData(data={"text/plain": step.text}, metadata={}))
            case "image":
                data = {"text/plain": step.text, "image/png": _LARGE_IMAGE}
                on_output(DisplayData(data=data, metadata={}))
            case "sleep":
                await self._sleep(step.seconds, is_deaf=is_deaf)
            case "fail":
                raise ValueError
            case "die":
                self._is_dead = True
                raise WorkerDiedError("it crashed")
        await trio.lowlevel.checkpoint()

    async def _sleep(self, seconds: float, *, is_deaf: bool) -> None:
        until = trio.current_time() + seconds
        with trio.move_on_at(until):
            await self._interrupted.wait()
        if not self._interrupted.is_set():
            return
        if is_deaf:
            with trio.move_on_after(_INTERRUPT_GRACE_S):
                await trio.sleep_until(until)
                return
            self._is_dead = True
            raise WorkerDiedError("it did not end when it was told to stop")
        raise KeyboardInterrupt
