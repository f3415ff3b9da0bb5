"""Simulated time: it stands still while anybody has something to do, then jumps."""

import math
from typing import Final

import trio

from ._trace import Violation

_LONGEST_MOMENT: Final = 100_000
# When all is over trio wakes itself through a socket once, which takes a real moment.
_MOST_IDLE_TURNS: Final = 1_000
_IDLE_TURN_S: Final = 0.002


class SimulatedClock(trio.abc.Clock):
    """A clock that is at the next deadline as soon as everybody waits for one.

    trio asks a clock how long to sleep only when no task can run, and here nothing but
    time can wake one: there are no sockets and no threads.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._turns = 0
        self._idle_turns = 0

    def start_clock(self) -> None:
        """Begin; there is nothing to do."""

    def current_time(self) -> float:
        """Tell the simulated time in seconds."""
        self._turns += 1
        if self._turns > _LONGEST_MOMENT:
            raise Violation("time stands still: somebody goes round in circles")
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Be there at once.

        Raises:
            Violation: Nobody waits for any time, so nothing will ever happen again.
        """
        if deadline == math.inf:
            self._idle_turns += 1
            if self._idle_turns > _MOST_IDLE_TURNS:
                raise Violation("everybody waits for somebody else")
            return _IDLE_TURN_S
        self._idle_turns = 0
        if deadline > self._now:
            self._now = deadline
            self._turns = 0
        return 0.0
