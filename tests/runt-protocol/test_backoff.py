import pytest

from runt_protocol import Limits
from runt_protocol._backoff import Backoff

LIMITS = Limits(reconnect_delay_s=0.1, max_reconnect_delay_s=0.5)


def test_each_delay_is_twice_as_long_as_the_last_up_to_a_cap() -> None:
    backoff = Backoff(LIMITS)
    delays = [backoff.failed() for _ in range(5)]
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])
    assert backoff.failures == 5


def test_a_success_begins_again() -> None:
    backoff = Backoff(LIMITS)
    backoff.failed()
    backoff.failed()
    backoff.succeeded()
    assert backoff.failures == 0
    assert backoff.failed() == pytest.approx(0.1)


def test_endless_failures_do_not_overflow() -> None:
    backoff = Backoff(LIMITS)
    for _ in range(2000):
        backoff.failed()
    assert backoff.failed() == 0.5
