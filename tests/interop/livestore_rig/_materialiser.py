"""LiveStore's materialisation of event lists, in a process that lives long."""

import json
import subprocess
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, Final, NamedTuple

from livestore_rig._client import Tables
from livestore_rig._installation import Installation
from livestore_rig._script import RigError
from runt_protocol import EncodedEvent

_ANSWER_S: Final = 120


class Materialised(NamedTuple):
    """What became of a list of events.

    Attributes:
        taken: How many of them, from the first, LiveStore took.
        refusal: What it said of the next one; None if it took all.
        tables: The tables after those that it took.
    """

    taken: int
    refusal: str | None
    tables: Tables


class Materialiser:
    """The process; hypothesis is not async, so neither is this."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def materialise(self, events: Iterable[EncodedEvent]) -> Materialised:
        """Carry out events in a store of their own.

        Raises:
            RigError: The process failed.
        """
        # The texts themselves, for a JSON library might change them.
        line = f"[{','.join(map(_text, events))}]\n"
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        return Materialised(**self.receive())

    def receive(self) -> Any:
        """Return the next answer; raises as `materialise`."""
        assert self._process.stdout is not None
        too_late = Timer(_ANSWER_S, self._process.kill)
        too_late.start()
        try:
            line = self._process.stdout.readline()
        finally:
            too_late.cancel()
        if not line:
            raise RigError("the materialiser ended or was silent for too long")
        answer = json.loads(line)
        if "error" in answer:
            raise RigError(answer["error"])
        return answer["ok"]


def _text(event: EncodedEvent) -> str:
    args = "" if event.args_text is None else f',"args":{event.args_text}'
    return f'{{"name":{json.dumps(event.name)}{args}}}'


@contextmanager
def open_materialiser(installation: Installation, log: Path) -> Generator[Materialiser]:
    """Start the process, which ends with the block.

    Args:
        installation: Where the packages are.
        log: A new file for what LiveStore logs.

    Raises:
        RigError: It did not start.
    """
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            installation.command("materialise.ts"),
            env=installation.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as process,
    ):
        materialiser = Materialiser(process)
        try:
            materialiser.receive()
            yield materialiser
        finally:
            process.kill()
