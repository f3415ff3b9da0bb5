"""The operations on a host directory that change nothing."""

import errno
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from . import _system
from ._attributes import DirectoryEntry, FileStat, FileSystemStat, OpenedFile
from ._errors import HostErrors, LimitError, RequestError, SpecialFileError
from ._guest_path import GuestPath, decode_name, encode_plain_name
from ._handles import HandleTable
from ._limits import Limits
from ._listing import Listing
from ._opening import (
    ClosedOnError,
    Located,
    check_openable,
    check_range,
    opened,
    seen,
)
from ._operations import OpenFlag, OpenMode
from ._resolve import Resolver


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

    def splice(self, handle: int, pipe: int, size: int, offset: int) -> int:
        """Read from an open file into a pipe, without copying where Linux can.

        For the host's own use and no `Operation`: no guest may name the pipe.

        Args:
            handle: From `open`, with READ.
            pipe: The descriptor of a pipe's end for writing.
            size: Bytes to read.
            offset: Where to begin, in bytes.

        Returns:
            How many bytes are in the pipe now; 0 at the end of the file, or if this
            file or system can only be read by `pread`.

        Raises:
            RequestError: EBADF, or EINVAL for numbers no file can have.
            HostError: EBADF if not open for reading, EAGAIN for a pipe that is full and
                does not block, EISDIR or EIO.
        """
        check_range(size)
        check_range(offset)
        if not _system.CAN_SPLICE:
            return 0
        with self._handles.use(handle) as file, HostErrors(None):
            try:
                return _system.splice(file.descriptor, pipe, size, offset)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                return 0

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
            return self._shown(seen(place))

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
        with self.scan(guest_path) as listing:
            for entry in listing:
                if len(entries) == self._limits.max_directory_entries:
                    raise LimitError(
                        errno.EOVERFLOW, "This directory is too large", guest_path
                    )
                entries.append(entry)
        return tuple(entries)

    def scan(self, guest_path: GuestPath) -> Listing:
        """List a directory piece by piece, however large it is.

        Args:
            guest_path: The directory, relative to the mount.

        Returns:
            Its entries, for the caller to iterate over and to close.

        Raises:
            RequestError: EINVAL for an absolute path.
            LeavesMountError: A link on the way leads out of the mount.
            HostError: As for `stat`.
        """
        with self._place(guest_path) as place:
            descriptor = _system.open_for_reading(place.directory, place.name)
        return Listing(descriptor, guest_path, read_only=self._read_only)

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
        with HostErrors(None):
            return _system.statfs(self._root, read_only=self._read_only)

    def open_entries(
        self, guest_path: GuestPath, names: Sequence[str], size: int
    ) -> list[OpenedFile | None]:
        """Open several files of one directory for reading, and look at them.

        For guests that read many small files: it saves them a call for each.

        Args:
            guest_path: The directory, relative to the mount.
            names: Entries of it. Symlinks are not followed.
            size: Bytes to read from the beginning of each.

        Returns:
            The files, in the order of the names; None for what is no regular file or
            cannot be opened, for whatever reason.

        Raises:
            RequestError: EINVAL for an absolute path or a size that no file can have.
            LeavesMountError: A link on the way leads out of the mount.
            HostError: As for `stat`, of the directory.
        """
        check_range(size)
        size = min(size, self._limits.max_io_bytes)
        with self._place(guest_path) as place:
            directory = _system.open_directory(place.directory, place.name)
            try:
                return [self._open_entry(directory, name, size) for name in names]
            finally:
                _system.close(directory)

    def fstat(self, handle: int) -> FileStat:
        """Return the attributes of an open file, whatever its name is by now.

        Args:
            handle: From `open`.

        Raises:
            RequestError: EBADF.
            HostError: EIO.
        """
        with self._handles.use(handle) as file, HostErrors(None):
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
        with self._handles.use(handle) as file, HostErrors(None):
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
        with self._handles.use(handle) as file, HostErrors(None):
            _system.fsync(file.descriptor)

    def close(self, handle: int) -> None:
        """Close an open file.

        Args:
            handle: From `open`. It is gone whatever is raised, and is never used again.

        Raises:
            RequestError: EBADF.
            HostError: EIO, ENOSPC or EDQUOT: what was written may be lost.
        """
        with HostErrors(None):
            self._handles.close(handle)

    def _place(
        self,
        guest_path: GuestPath,
        *,
        follow: bool = True,
        resolver: Resolver | None = None,
    ) -> Located:
        if guest_path.is_absolute:
            raise RequestError(errno.EINVAL, guest_path)
        with HostErrors(guest_path):
            place = (resolver or self._resolver).locate(
                self._root, guest_path, follow=follow
            )
        return Located(place, guest_path)

    def _open_to_read(
        self, guest_path: GuestPath, mode: OpenMode
    ) -> tuple[int, FileStat]:
        with self._place(guest_path, follow=mode.follows) as place:
            check_openable(guest_path, seen(place), mode)
            descriptor = _system.open_for_reading(place.directory, place.name)
        return descriptor, opened(guest_path, descriptor, mode)

    def _open_entry(self, directory: int, name: str, size: int) -> OpenedFile | None:
        try:
            spelled = encode_plain_name(name)
            if not _system.lstat(directory, spelled).is_file:
                return None
            descriptor = _system.open_for_reading(directory, spelled)
            with ClosedOnError(descriptor):
                found = _system.fstat(descriptor)
                if not found.is_file:  # it was exchanged just now
                    raise SpecialFileError
                head = _system.pread(descriptor, min(size, found.size + 1), 0)
            handle = self._handles.add(descriptor, OpenFlag.READ)
        except OSError:
            return None
        return OpenedFile(handle, self._shown(found), head)

    def _shown(self, found: FileStat) -> FileStat:
        return found.as_read_only() if self._read_only else found
