"""How long to wait before another attempt."""

from ._limits import Limits


class Backoff:
    """Counts failures in a row: each delay is twice as long as the last, up to a cap.

    Args:
        limits: The first delay and the cap.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many attempts have failed since the last success."""
        return self._failures

    def succeeded(self) -> None:
        """Begin again with the first delay."""
        self._failures = 0

    def failed(self) -> float:
        """Count a failure and return the delay after it, in seconds."""
        # 2**30 first delays are beyond any cap; more would overflow one day.
        delay = self._limits.reconnect_delay_s * 2 ** min(self._failures, 30)
        self._failures += 1
        return min(delay, self._limits.max_reconnect_delay_s)
