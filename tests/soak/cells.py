"""The cells of a soak: what they do, and how they may end if nobody disturbs them."""

import random
from dataclasses import dataclass
from typing import Final

ENDLESS_S: Final = 4.0
"""The agent's ``--cell-timeout``, which stops the cells without an end."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of cell.

    Attributes:
        source: its code; ``{n}`` is the number of the cell.
        shows: what a cell that succeeds shows, all of it; ``{n}`` as above.
        fails_by: a part of the error of one that cannot succeed; None: it succeeds.
        weight: how often it is drawn, beside the others.
    """

    source: str
    shows: str = ""
    fails_by: str | None = None
    weight: int = 4


KINDS: Final[dict[str, Kind]] = {
    "print": Kind(source="print('cell {n}')", shows="cell {n}\n", weight=8),
    "value": Kind(source="'value ' + str({n})", shows="'value {n}'", weight=8),
    "many lines": Kind(
        source="for i in range(3000): print({n}, i)",
        shows="".join(f"{{n}} {i}\n" for i in range(3000)),
    ),
    "large text": Kind(source="print('é' * 400_000)", shows="é" * 400_000 + "\n"),
    "sleep": Kind(
        source="import time\ntime.sleep(0.3)\nprint('slept {n}')", shows="slept {n}\n"
    ),
    "await": Kind(
        source=(
            "import asyncio\n"
            "async def one(i): await asyncio.sleep(i / 100); return i\n"
            "print(sum(await asyncio.gather(*map(one, range(20)))), {n})"
        ),
        shows="190 {n}\n",
    ),
    "display": Kind(
        source=(
            "shown = display({n}, display_id=True)\n"
            "for i in range(50): shown.update(i)\n"
            "shown.update('shown {n}')"
        ),
        shows="'shown {n}'",
    ),
    "file": Kind(
        source=(
            "from pathlib import Path\n"
            "Path('/outputs/{n}.txt').write_text('left by {n}')\n"
            "print(Path('/outputs/{n}.txt').read_text())"
        ),
        shows="left by {n}\n",
    ),
    "garbage of its own": Kind(
        source=(
            "import asyncio, js\n"
            "kept = bytes(20_000_000)\n"
            "tasks = [asyncio.ensure_future(asyncio.sleep(3600)) for _ in range(100)]\n"
            "from pyodide.ffi import create_proxy\n"
            "js.setInterval(create_proxy(lambda: None), 5)\n"
            "print('left {n}')"
        ),
        shows="left {n}\n",
        weight=2,
    ),
    "error": Kind(source="print(1)\n{n} / 0", fails_by="ZeroDivisionError"),
    "no Python": Kind(source="cell {n} is no Python", fails_by="SyntaxError"),
    "endless loop": Kind(source="while True: pass", fails_by="TimeoutError"),
    "endless await": Kind(
        source="import asyncio\nawait asyncio.sleep(3600)", fails_by="TimeoutError"
    ),
    "endless output": Kind(
        source="while True: print('x' * 1000)", fails_by="TimeoutError"
    ),
    "deaf": Kind(
        source="from pyodide.code import run_js\nrun_js('for (;;) {{}}')",
        fails_by="WorkerDiedError",
        weight=1,
    ),
    "os._exit": Kind(
        source="import os\nos._exit({n} % 7)", fails_by="WorkerDiedError", weight=1
    ),
    "wasm trap": Kind(
        source="import ctypes\nctypes.string_at(0xFFFFFFF0, 64)",
        fails_by="WorkerDiedError",
        weight=1,
    ),
    "end of its thread": Kind(
        source="import js\njs.self.close()", fails_by="WorkerDiedError", weight=1
    ),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a soak.

    Attributes:
        number: its number, from 1.
        kind: the key of its kind.
    """

    number: int
    kind: str

    @property
    def source(self) -> str:
        """Its code."""
        return KINDS[self.kind].source.format(n=self.number)

    @property
    def shows(self) -> str:
        """What it shows if it succeeds."""
        return KINDS[self.kind].shows.format(n=self.number)

    @property
    def fails_by(self) -> str | None:
        """A part of its error, if it cannot succeed."""
        return KINDS[self.kind].fails_by


def draw_cell(rng: random.Random, number: int) -> Cell:
    """Return a random cell.

    Args:
        rng: where chance comes from.
        number: the number that it gets.
    """
    weights = [kind.weight for kind in KINDS.values()]
    [kind] = rng.choices(list(KINDS), weights)
    return Cell(number=number, kind=kind)
