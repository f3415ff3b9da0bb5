"""``time.sleep`` that lets signals through."""

import time

from runt_kernel._bridge import Bridge
from runt_kernel._signals import take_signals


def install(bridge: Bridge) -> None:
    """Replace ``time.sleep``, which in Pyodide hears no signal until it ends."""

    def sleep(seconds: float, /) -> None:
        """Suspend execution for the given number of seconds."""
        end = time.monotonic() + _checked(seconds)
        while (left := end - time.monotonic()) > 0:
            bridge.pause(left)
            take_signals()

    time.sleep = sleep


def _checked(seconds: float) -> float:
    value = float(seconds)
    if not 0 <= value < float("inf"):
        raise ValueError("sleep length must be non-negative and finite")
    return value
