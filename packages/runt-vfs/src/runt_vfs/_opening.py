"""How places and files are looked at, opened and let go of again."""

import errno
from types import TracebackType

from . import _system
from ._attributes import FileStat
from ._errors import HostError, HostErrors, RequestError, SpecialFileError
from ._guest_path import GuestPath
from ._operations import OpenMode
from ._resolve import Place

MAX_OFFSET = 2**63 - 1
"""The largest offset and size that systems know."""


class Located:
    """A place for the length of a block, whose errors are translated.

    Args:
        place: What to hold open.
        guest_path: The path that the guest named.
    """

    __slots__ = ("_errors", "_place")

    def __init__(self, place: Place, guest_path: GuestPath) -> None:
        self._place = place
        self._errors = HostErrors(guest_path)

    def __enter__(self) -> Place:
        return self._place

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._errors:
            self._place.close()
        self._errors.__exit__(kind, error, traceback)


class ClosedOnError:
    """Closes a descriptor if its block fails."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            _system.close(self._descriptor)


def seen(place: Place) -> FileStat:
    """Return the attributes of a place, which may have been looked at already.

    Raises:
        OSError: What the system says, such as ENOENT.
    """
    return place.seen or _system.lstat(place.directory, place.name)


def check_range(number: int) -> None:
    """Refuse a size or an offset that no file can have.

    Raises:
        RequestError: EINVAL.
    """
    if not 0 <= number <= MAX_OFFSET:
        raise RequestError(errno.EINVAL)


def check_openable(guest_path: GuestPath, found: FileStat, mode: OpenMode) -> None:
    """Refuse what must not be opened at all, or not in this way.

    Opening can do things by itself: it wakes who waits at a FIFO, and rewinds a tape.

    Args:
        guest_path: The path, for the error.
        found: The attributes of the file.
        mode: How it is to be opened.

    Raises:
        SpecialFileError: A FIFO, a device or a socket.
        HostError: ELOOP, EISDIR or ENOTDIR.
    """
    if found.is_symlink:
        raise HostError(errno.ELOOP, guest_path)
    if found.is_directory:
        if mode.writes or mode.creates:
            raise HostError(errno.EISDIR, guest_path)
    elif not found.is_file:
        raise SpecialFileError(guest_path)
    elif mode.needs_directory:
        raise HostError(errno.ENOTDIR, guest_path)


def opened(guest_path: GuestPath, descriptor: int, mode: OpenMode) -> FileStat:
    """Return attributes from a second look, now that nothing can be exchanged.

    Args:
        guest_path: The path, for the error.
        descriptor: What was opened; it is closed on an error.
        mode: How it was opened.

    Raises:
        SpecialFileError: A FIFO, a device or a socket took the file's place.
        HostError: EISDIR or ENOTDIR.
    """
    with ClosedOnError(descriptor), HostErrors(guest_path):
        found = _system.fstat(descriptor)
        check_openable(guest_path, found, mode)
    return found
