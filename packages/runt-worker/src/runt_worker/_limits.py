"""All limits of runt-worker in one place."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE

_MIN_MEMORY_BYTES = 512 * MEBIBYTE

_MAX_DEFAULT_MEMORY_BYTES = 4 * GIBIBYTE
"""Python's addresses end there, in WebAssembly of 32 bits."""

_CONTAINER_MEMORY = Path("/sys/fs/cgroup/memory.max")
"""What a container has of the machine, or ``max``."""

_RESERVE_BYTES = 384 * MEBIBYTE
"""Deno, Pyodide's machine code and what is on its way out; 250 MB at rest."""


def default_memory_bytes() -> int:
    """Return half of what this machine or container has, within reason."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    # There may be no container, or one without a limit.
    with suppress(OSError, ValueError):
        machine = min(machine, int(_CONTAINER_MEMORY.read_text()))
    share = min(machine // 2, _MAX_DEFAULT_MEMORY_BYTES)
    return max(share, _MIN_MEMORY_BYTES)


def size_text(size: int) -> str:
    """Return a number of bytes as a person would write it: ``1.5 GB``, ``64 MB``."""
    for unit, name in ((GIBIBYTE, "GB"), (MEBIBYTE, "MB"), (1024, "KB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a worker may use.

    Attributes:
        max_frame_bytes: size of one message from the sandbox. A figure or a table can
            be tens of megabytes; what is larger is an attack on the supervisor's
            memory.
        frame_timeout_s: from one part of a message from the sandbox until the next.
            Messages are written in one go, so the rest of one that stands still this
            long will never come.
        start_timeout_s: from the start of the process until it is ready. Pyodide and
            IPython take 3 to 6 s on a slow machine.
        request_timeout_s: until a completion or an inspection is interrupted, which
            then has found nothing. The first completion loads jedi's grammar, 3 s on a
            slow machine.
        interrupt_grace_s: from the first interrupt of a cell, or of another request
            that took too long, until the process is killed. Cleaning up takes some
            time; whoever pressed stop waits for it.
        copy_timeout_s: for copying ``/outputs`` after a cell. Gigabytes to a slow
            disk take minutes; past that the disk hangs, and no cell could ever end.
        stop_timeout_s: from the closing of the control FIFO until the process is
            killed.
        stderr_bytes: how much of the process's last words is kept for an error.
        memory_bytes: what the process may occupy. Half of the machine's, at most
            4 GiB: somebody works at this machine, too. Python gets a MemoryError some
            hundred megabytes earlier; what passes it by (JavaScript) is killed.
        disk_bytes: what it may write into its own directory, which Deno's Cache API
            and local storage do. Nobody needs that here; it must only not fill a disk.
        cell_timeout_s: from the start of a cell until it is interrupted, and after the
            grace period killed; None: never, since cells that train or wait take days.
        max_output_bytes: of text and displays of one cell; None: any number. A log
            keeps them for ever and every client reads them; one display may be as
            large as a frame.
        max_outputs: of one cell: displays, and texts that another output separates;
            None: any number. Each is an element of a page, and with more of them no
            browser is usable.
        http_timeout_s: from a request to the end of its answer, redirections included.
            Large downloads take long; what takes longer has stalled.
        max_upload_bytes: of the bodies of all requests under way; they are kept in the
            supervisor's memory, for redirections.
        max_download_bytes: of one answer. It passes through in small parts, and Python
            could not hold more.
        max_output_rate: bytes that a cell may show in a second; None: any number. More
            is held back with the cell that writes it, and nothing is lost: everybody
            who looks at the notebook has to read along.
        max_outputs_rate: the same of outputs, as `max_outputs` counts them.
        output_burst_s: so many seconds' worth of both is shown as fast as it comes;
            a table or a log of some megabytes is nothing to wait for.
    """

    MIN_MEMORY_BYTES: ClassVar[int] = _MIN_MEMORY_BYTES
    """With less, the interpreter alone would be at its limit."""

    max_frame_bytes: int = 64 * 1024 * 1024
    frame_timeout_s: float = 10.0
    start_timeout_s: float = 60.0
    request_timeout_s: float = 10.0
    interrupt_grace_s: float = 5.0
    copy_timeout_s: float = 600.0
    stop_timeout_s: float = 0.2
    stderr_bytes: int = 16 * 1024
    memory_bytes: int = field(default_factory=default_memory_bytes)
    disk_bytes: int = 64 * MEBIBYTE
    cell_timeout_s: float | None = None
    max_output_bytes: int | None = 64 * MEBIBYTE
    max_outputs: int | None = 10_000
    http_timeout_s: float = 3600.0
    max_upload_bytes: int = 64 * MEBIBYTE
    max_download_bytes: int = 4 * GIBIBYTE
    max_output_rate: int | None = 4 * MEBIBYTE
    max_outputs_rate: int | None = 500
    output_burst_s: float = 4.0

    @property
    def python_bytes(self) -> int:
        """What Python gets of the memory: the rest of the process needs its share."""
        return max(self.memory_bytes - _RESERVE_BYTES, self.memory_bytes // 2)


DEFAULT_LIMITS = Limits()
