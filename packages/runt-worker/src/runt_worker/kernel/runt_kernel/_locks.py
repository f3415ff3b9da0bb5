"""File locks, which mounts do not have, and ``os.fdatasync``.

Emscripten answers every lock with success. In the sandbox's own memory, where nobody
else is, that is harmless; on a mount it would promise what does not hold, since
programs of the host and other notebooks know nothing of it. Only Python's own calls are
refused: SQLite locks from C, and must go on to work.
"""

import errno
import fcntl
import os
from collections.abc import Callable
from typing import Any

_FIRST_DEVICE = 0x100
"""Devices from here on are mounts, as ``host_files.ts`` numbers them."""

_LOCKING = {fcntl.F_SETLK, fcntl.F_SETLKW, fcntl.F_GETLK}


def install() -> None:
    """Let locks on files of mounts fail, and fdatasync write out as fsync does."""
    # Emscripten's own returns at once.
    os.fdatasync = os.fsync
    for name in ("flock", "lockf"):
        setattr(fcntl, name, _refusing(getattr(fcntl, name), _is_lock))
    fcntl.fcntl = _refusing(fcntl.fcntl, _LOCKING.__contains__)


def _is_lock(operation: int) -> bool:
    return operation != fcntl.LOCK_UN


def _refusing(
    original: Callable[..., Any], is_refused: Callable[[int], bool]
) -> Callable[..., Any]:
    def call(fd: Any, operation: int, /, *arguments: Any) -> Any:
        if is_refused(operation) and _is_on_mount(fd):
            raise OSError(errno.ENOLCK, "files of the host cannot be locked from here")
        return original(fd, operation, *arguments)

    call.__name__ = call.__qualname__ = original.__name__
    call.__doc__ = original.__doc__
    return call


def _is_on_mount(fd: Any) -> bool:
    descriptor = fd if isinstance(fd, int) else fd.fileno()
    return os.fstat(descriptor).st_dev >= _FIRST_DEVICE
