"""All limits of runt-worker in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a worker may use.

    Attributes:
        max_frame_bytes: size of one message from the sandbox. A figure or a table can
            be tens of megabytes; what is larger is an attack on the supervisor's
            memory.
        start_timeout_s: from the start of the process until it is ready. Pyodide and
            IPython take 3 to 6 s on a slow machine.
        request_timeout_s: until a completion or an inspection is interrupted, which
            then has found nothing. The first completion loads jedi's grammar, 3 s on a
            slow machine.
        interrupt_grace_s: from the interrupt of what was cancelled or took too long
            until the process is killed.
        copy_timeout_s: for copying ``/outputs`` after a cell. Gigabytes to a slow
            disk take minutes; past that the disk hangs, and no cell could ever end.
        stop_timeout_s: from the closing of the control FIFO until the process is
            killed.
        stderr_bytes: how much of the process's last words is kept for an error.
    """

    max_frame_bytes: int = 64 * 1024 * 1024
    start_timeout_s: float = 60.0
    request_timeout_s: float = 10.0
    interrupt_grace_s: float = 5.0
    copy_timeout_s: float = 600.0
    stop_timeout_s: float = 0.2
    stderr_bytes: int = 16 * 1024


DEFAULT_LIMITS = Limits()
