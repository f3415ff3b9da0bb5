"""What a sandbox process uses of the machine, watched from outside.

The guest can change whatever limits itself, so this is what holds: a process that uses
too much is killed, and the error names what it used too much of. Python meets a limit
of its own first (``deno/memory.ts``), which costs a cell and not the session.
"""

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import trio

from runt_worker._errors import LimitExceededError
from runt_worker._limits import Limits, size_text
from runt_worker._process import SandboxProcess

_INTERVAL_S = 0.1
"""A guest fills some 2 GB/s, so it gets so many hundred megabytes beyond its limit."""

_DISK_EVERY = 5
"""The directory is looked at every so many times: it is a hundred system calls."""

_MAX_FILES = 10_000
"""More are taken for an excess without counting on: to count them costs time."""


async def watch_usage(process: SandboxProcess, limits: Limits) -> None:
    """Return never; raise when the process uses more than it may.

    Raises:
        LimitExceededError: it has to be killed; the text says which limit it passed.
    """
    _bound_files(process.pid, limits.disk_bytes)
    directory = process.paths.run_directory
    at_start = _directory_bytes(directory)
    rounds = 0
    while True:
        _check_memory(process.pid, limits.memory_bytes)
        if rounds % _DISK_EVERY == 0:
            _check_disk(_directory_bytes(directory) - at_start, limits.disk_bytes)
        rounds += 1
        await trio.sleep(_INTERVAL_S)


def _check_memory(pid: int, allowed: int) -> None:
    if memory_bytes(pid) > allowed:
        raise LimitExceededError(
            f"the sandbox used more than {size_text(allowed)} of memory "
            "(--memory-limit) and was killed"
        )


def _check_disk(used: int, allowed: int) -> None:
    if used > allowed:
        raise LimitExceededError(
            f"the sandbox wrote more than {size_text(allowed)} into Deno's own "
            "directory (caches, local storage) and was killed"
        )


def memory_bytes(pid: int) -> int:
    """Return what a process occupies: in memory, and what was swapped out of it.

    It is 0 for a process that has ended, and where the system has no ``/proc``.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0
    kilobytes = 0
    for line in status.splitlines():
        if line.startswith((b"VmRSS:", b"VmSwap:")):
            kilobytes += int(line.split()[1])
    return kilobytes * 1024


def _bound_files(pid: int, max_bytes: int) -> None:
    """Let no single file grow beyond that, however quickly it is written."""
    if sys.platform != "linux":
        return
    try:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
    except ProcessLookupError:
        return  # it has ended, which others notice


def _directory_bytes(directory: Path) -> int:
    total = 0
    for count, size in enumerate(_sizes(str(directory))):
        if count >= _MAX_FILES:
            return sys.maxsize
        total += size
    return total


def _sizes(directory: str) -> Iterator[int]:
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                # A directory costs a block, too, however many there are.
                yield entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    yield from _sizes(entry.path)
    except OSError:  # it was removed meanwhile
        return
