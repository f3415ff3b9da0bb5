"""The operations on a host directory that change nothing."""

import errno
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from . import _system
from ._attributes import DirectoryEntry, FileStat, FileSystemStat
from ._errors import HostError, LimitError, RequestError, SpecialFileError, host_errors
from ._guest_path import GuestPath, decode_name
from ._handles import HandleTable
from ._limits import Limits
from ._operations import OpenFlag
from ._resolve import Place, Resolver

MAX_OFFSET = 2**63 - 1
"""The largest offset and size that systems know."""


class ReadableDirectory:
    """A host directory that a guest can look at; see `HostDirectory` for the whole.

    Args:
        root: The descriptor of the directory, which is taken over.
        resolver: How paths are resolved.
        limits: What the guest may ask for.
        read_only: Whether attributes are shown as a read-only mount's.
    """

    def __init__(
        self, root: int, resolver: Resolver, limits: Limits, *, read_only: bool
    ) -> None:
        self._root = root
        self._resolver = resolver
        self._limits = limits
        self._read_only = read_only
        self._handles = HandleTable(limits.max_open_files)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.unmount()

    @property
    def is_read_only(self) -> bool:
        """Whether every change is refused."""
        return self._read_only

    def unmount(self) -> None:
        """Close every handle and the directory itself; no call may be under way."""
        self._handles.close_all()
        if self._root >= 0:
            _system.close(self._root)
            # No descriptor has this number, so what comes later ends in EBADF.
            self._root = -1

    def stat(self, guest_path: GuestPath) -> FileStat:
        """Return the attributes of a file, of a symlink those of where it leads.

        Args:
            guest_path: The file, relative to the mount.

        Raises:
            RequestError: EINVAL for an absolute path.
            LeavesMountError: A link on the way leads out of the mount.
            HostError: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG or EIO.
        """
        with self._place(guest_path) as place:
            return self._shown(_system.lstat(place.directory, place.name))

    def lstat(self, guest_path: GuestPath) -> FileStat:
        """Return the attributes of a file, of a symlink those of the link itself.

        Args:
            guest_path: The file, relative to the mount.

        Raises:
            RequestError: EINVAL for an absolute path.
            LeavesMountError: A link on the way leads out of the mount.
            HostError: As for `stat`.
        """
        with self._place(guest_path, follow=False) as place:
            return self._shown(_system.lstat(place.directory, place.name))

    def readdir(self, guest_path: GuestPath) -> tuple[DirectoryEntry, ...]:
        """List a directory with the attributes of its entries, in the host's order.

        Args:
            guest_path: The directory, relative to the mount.

        Raises:
            RequestError: EINVAL for an absolute path.
            LeavesMountError: A link on the way leads out of the mount.
            LimitError: EOVERFLOW, more entries than one listing may have.
            HostError: As for `stat`.
        """
        entries: list[DirectoryEntry] = []
        with self._place(guest_path) as place:
            for name, found in _scan(place):
                if len(entries) == self._limits.max_directory_entries:
                    raise LimitError(
                        errno.EOVERFLOW, "This directory is too large", guest_path
                    )
                entries.append(DirectoryEntry(name=name, stat=self._shown(found)))
        return tuple(entries)

    def readlink(self, guest_path: GuestPath) -> str:
        """Return the target of a symlink as it stands.

        Args:
            guest_path: The link, relative to the mount.

        Raises:
            RequestError: EINVAL for an absolute path.
            LeavesMountError: A link on the way leads out of the mount. Where this link
                leads does not matter: its text is content like any other.
            HostError: EINVAL for what is no symlink, and as for `stat`.
        """
        with self._place(guest_path, follow=False) as place:
            return decode_name(_system.readlink(place.directory, place.name))

    def statfs(self) -> FileSystemStat:
        """Return the room on the disk behind the mount.

        Raises:
            HostError: EIO, or the disk is gone.
        """
        with host_errors(None):
            return _system.statfs(self._root, read_only=self._read_only)

    def fstat(self, handle: int) -> FileStat:
        """Return the attributes of an open file, whatever its name is by now.

        Args:
            handle: From `open`.

        Raises:
            RequestError: EBADF.
            HostError: EIO.
        """
        with self._handles.use(handle) as file, host_errors(None):
            return self._shown(_system.fstat(file.descriptor))

    def pread(self, handle: int, size: int, offset: int) -> bytes:
        """Read from an open file.

        Args:
            handle: From `open`, with READ.
            size: Bytes to read. More than `Limits.max_io_bytes` are read in part.
            offset: Where to begin, in bytes.

        Returns:
            What is there; less than asked for at the end, and nothing behind it.

        Raises:
            RequestError: EBADF, or EINVAL for numbers no file can have.
            HostError: EBADF if not open for reading, EISDIR or EIO.
        """
        check_range(size)
        check_range(offset)
        with self._handles.use(handle) as file, host_errors(None):
            return _system.pread(
                file.descriptor, min(size, self._limits.max_io_bytes), offset
            )

    def fsync(self, handle: int) -> None:
        """Wait until what was written to an open file is on the disk.

        Args:
            handle: From `open`; a directory's makes its entries durable.

        Raises:
            RequestError: EBADF.
            HostError: EIO, ENOSPC or EDQUOT: what was written may be lost.
        """
        with self._handles.use(handle) as file, host_errors(None):
            _system.fsync(file.descriptor)

    def close(self, handle: int) -> None:
        """Close an open file.

        Args:
            handle: From `open`. It is gone whatever is raised, and is never used again.

        Raises:
            RequestError: EBADF.
            HostError: EIO, ENOSPC or EDQUOT: what was written may be lost.
        """
        with host_errors(None):
            self._handles.close(handle)

    @contextmanager
    def _place(
        self,
        guest_path: GuestPath,
        *,
        follow: bool = True,
        resolver: Resolver | None = None,
    ) -> Generator[Place]:
        if guest_path.is_absolute:
            raise RequestError(errno.EINVAL, guest_path)
        with (
            host_errors(guest_path),
            (resolver or self._resolver).locate(
                self._root, guest_path, follow=follow
            ) as place,
        ):
            yield place

    def _open_to_read(self, guest_path: GuestPath, flags: OpenFlag) -> int:
        with self._place(guest_path, follow=OpenFlag.NOFOLLOW not in flags) as place:
            check_openable(
                guest_path, _system.lstat(place.directory, place.name), flags
            )
            descriptor = _system.open_for_reading(place.directory, place.name)
        return opened(guest_path, descriptor, flags)

    def _shown(self, found: FileStat) -> FileStat:
        return found.as_read_only() if self._read_only else found


def check_range(number: int) -> None:
    """Refuse a size or an offset that no file can have.

    Raises:
        RequestError: EINVAL.
    """
    if not 0 <= number <= MAX_OFFSET:
        raise RequestError(errno.EINVAL)


def check_openable(guest_path: GuestPath, found: FileStat, flags: OpenFlag) -> None:
    """Refuse what must not be opened at all, or not in this way.

    Opening can do things by itself: it wakes who waits at a FIFO, and rewinds a tape.

    Args:
        guest_path: The path, for the error.
        found: The attributes of the file.
        flags: How it is to be opened.

    Raises:
        SpecialFileError: A FIFO, a device or a socket.
        HostError: ELOOP, EISDIR or ENOTDIR.
    """
    if found.is_symlink:
        raise HostError(errno.ELOOP, guest_path)
    if not (found.is_file or found.is_directory):
        raise SpecialFileError(guest_path)
    if found.is_directory and flags & (OpenFlag.WRITE | OpenFlag.CREATE):
        raise HostError(errno.EISDIR, guest_path)
    if OpenFlag.DIRECTORY in flags and not found.is_directory:
        raise HostError(errno.ENOTDIR, guest_path)


def opened(guest_path: GuestPath, descriptor: int, flags: OpenFlag) -> int:
    """Return a descriptor after a second look, now that nothing can be exchanged.

    Args:
        guest_path: The path, for the error.
        descriptor: What was opened; it is closed on an error.
        flags: How it was opened.

    Raises:
        SpecialFileError: A FIFO, a device or a socket took the file's place.
        HostError: EISDIR or ENOTDIR.
    """
    try:
        with host_errors(guest_path):
            check_openable(guest_path, _system.fstat(descriptor), flags)
    except BaseException:
        _system.close(descriptor)
        raise
    return descriptor


def _scan(place: Place) -> Iterator[tuple[str, FileStat]]:
    descriptor = _system.open_for_reading(place.directory, place.name)
    try:
        yield from _system.scan(descriptor)
    finally:
        _system.close(descriptor)
