"""A computer of the simulation: its clock on the wall, and whether it still lives."""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import trio

_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(eq=False)
class Machine:
    """One computer; every task that runs on it knows it by `this_machine`.

    Attributes:
        name: What the trace calls it.
        is_alive: Once it is not, nothing leaves the machine and nothing comes in: what
            its tasks still do while they unwind, no other machine can tell.
        skew: How far its wall clock is off. Steady clocks (`trio.current_time`) do not
            jump, on real machines neither.
    """

    name: str
    is_alive: bool = True
    skew: timedelta = timedelta(0)


this_machine: ContextVar[Machine] = ContextVar("this_machine")


def wall_clock() -> datetime:
    """Tell the date and time as the current machine believes it to be."""
    return _BEGINNING + timedelta(seconds=trio.current_time()) + this_machine.get().skew


class WallClock:
    """Stands in for the class `datetime` in modules that only ask it for the time."""

    @staticmethod
    def now(_zone: object = None) -> datetime:
        """Tell the date and time as the current machine believes it to be."""
        return wall_clock()
