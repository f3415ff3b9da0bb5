"""How fast a cell may show: what it has shown drains with time, as from a bucket."""


class OutputRate:
    """Counts amounts of one kind; knows no clock of its own.

    Args:
        rate: how much drains in a second.
        burst: how much may be there before anybody has to wait.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._amount = 0.0
        self._drained_at: float | None = None

    def add(self, amount: float) -> None:
        """Count what was shown, as a second's worth at most.

        So nobody waits long for one large picture; a flood comes in many pieces.
        """
        self._amount += min(amount, self._rate)

    def pause_s(self, now: float) -> float:
        """Return how long to wait before more is shown.

        Args:
            now: the time, in seconds of any steady clock.
        """
        if self._drained_at is not None:
            drained = (now - self._drained_at) * self._rate
            self._amount = max(0.0, self._amount - drained)
        self._drained_at = now
        return max(0.0, (self._amount - self._burst) / self._rate)
