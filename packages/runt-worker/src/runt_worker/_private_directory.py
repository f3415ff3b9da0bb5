"""Temporary directories, and the removal of those whose owner could not do it.

An owner locks its directory for as long as it lives, and the operating system lets go
of a lock when its holder dies, whatever it dies of. So a directory of ours that can be
locked has no owner any more. Needs no more than the standard library.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_PREFIX = "runt-"

_MARK = ".owned-by-runt"
"""Made under the lock. A directory without it was never locked, or is not ours."""

_MAX_SWEPT = 32
"""Of one sweep. After a machine's bad day the next starts go on with the rest."""


@contextmanager
def private_directory(kind: str) -> Generator[Path]:
    """Make a temporary directory for this user only; it is removed with the block.

    Args:
        kind: a part of its name, for people who look around.

    Yields:
        The directory, symlinks resolved.

    Raises:
        OSError: it cannot be made.
    """
    with (
        ExitStack() as released_last,
        tempfile.TemporaryDirectory(
            prefix=f"{_PREFIX}{kind}-", ignore_cleanup_errors=True
        ) as name,
    ):
        directory = Path(name).resolve()
        _claim(directory, released_last)
        try:
            yield directory
        finally:
            _clear(directory)


def sweep(go_on: Callable[[], None] = lambda: None) -> None:
    """Remove directories whose owner was killed.

    Those of other users, of living owners, and whatever else has such a name, are left
    alone. What cannot be removed stays.

    Args:
        go_on: called before each directory; what it raises ends this.
    """
    removed = 0
    for directory in _candidates(tempfile.gettempdir()):
        go_on()
        removed += _remove_if_abandoned(directory)
        if removed == _MAX_SWEPT:
            return


def _claim(directory: Path, until: ExitStack) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    until.callback(os.close, descriptor)
    # Some network file systems lock no directories: there nothing is ever swept.
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # a sweep may look at it this moment
        (directory / _MARK).touch()


def _clear(directory: Path) -> None:
    """Remove what is in it but the mark, as far as that can be removed.

    Whoever is killed here has left the mark, so that a sweep can go on.
    """
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.name != _MARK:
                with suppress(OSError):
                    Path(entry).unlink()


def _candidates(place: str) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            return [Path(it.path) for it in entries if it.name.startswith(_PREFIX)]
    except OSError:  # it is not readable, or was removed
        return []


def _remove_if_abandoned(directory: Path) -> bool:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if not _is_abandoned(directory, descriptor):
            return False
        # Nobody else removes it meanwhile, and so nobody makes another of its name:
        # whoever does either has the lock first.
        _clear(directory)
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(descriptor)
    return not directory.exists()


def _is_abandoned(directory: Path, descriptor: int) -> bool:
    """Tell whether it is ours and has no owner; if so, it is locked from now on."""
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            return False
        mark = os.stat(_MARK, dir_fd=descriptor, follow_symlinks=False)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return stat.S_ISREG(mark.st_mode) and os.path.samestat(
            os.fstat(descriptor), directory.lstat()
        )
    except OSError:  # no mark, somebody has the lock, or it was removed meanwhile
        return False
