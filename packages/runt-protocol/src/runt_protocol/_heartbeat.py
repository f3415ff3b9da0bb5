"""Ping and Pong of one connection: whether the peer still lives."""

from ._limits import Limits


class Heartbeat:
    """Asks at once and a while after each answer, as the real client does.

    Any frame shows that the peer lives, so that a Pong which waits behind a large pull
    answer is not missed.

    Args:
        now: The time, in seconds of any steady clock.
        limits: How often to ask and how long to wait.
    """

    def __init__(self, now: float, limits: Limits) -> None:
        self._limits = limits
        self._awaits_pong = True
        self._deadline = now + limits.pong_timeout_s

    @property
    def deadline(self) -> float:
        """When to call `is_ping_due` and `is_overdue` again."""
        return self._deadline

    def receive_frame(self, now: float) -> None:
        """Take note of a frame of any kind."""
        if self._awaits_pong:
            self._deadline = now + self._limits.pong_timeout_s

    def receive_pong(self, now: float) -> None:
        """Take note of a Pong."""
        self._awaits_pong = False
        self._deadline = now + self._limits.ping_interval_s

    def is_overdue(self, now: float) -> bool:
        """Tell whether a Pong should have come by now."""
        return self._awaits_pong and now >= self._deadline

    def start_ping(self, now: float) -> bool:
        """Tell whether a Ping is to be sent now; if so, its Pong is awaited."""
        if self._awaits_pong or now < self._deadline:
            return False
        self._awaits_pong = True
        self._deadline = now + self._limits.pong_timeout_s
        return True
