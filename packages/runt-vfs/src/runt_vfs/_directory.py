"""A host directory as a guest sees it: contained, and read-only unless allowed."""

import errno
import os

from . import _system
from ._attributes import FileStat, OpenedFile
from ._errors import HostErrors, LeavesMountError, RequestError
from ._guest_path import GuestPath
from ._limits import DEFAULT_LIMITS, Limits
from ._links import check_target, climb_of
from ._names import HostPath, absolute_path
from ._opening import MAX_OFFSET, ClosedOnError, check_range
from ._operations import OpenFlag, OpenMode, mode_of
from ._resolve import choose_resolver
from ._writing import (
    PERMISSION_BITS,
    WritableDirectory,
    check_mode,
    check_writable,
)


def open_host_directory(
    host_path: HostPath, *, allow_writes: bool = False, limits: Limits = DEFAULT_LIMITS
) -> "HostDirectory":
    """Open a directory of this host for a guest.

    The directory is held by descriptor: moved or renamed it stays the same one, and
    what takes its path later is not seen. Symlinks in `host_path` are the caller's own.

    Args:
        host_path: The directory.
        allow_writes: Whether the guest may change it.
        limits: What the guest may ask for.

    Raises:
        OSError: It is missing, no directory or unreadable, or this system (Windows) has
            no names relative to descriptors: ENOTSUP. The text names the host path; it
            is meant for the user, not for a guest.
    """
    path = absolute_path(host_path)
    if not _system.CAN_HOLD_DIRECTORIES:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), path)
    root = _system.open_root(path)
    writer = _system.Writer() if allow_writes else None
    return HostDirectory(root, choose_resolver(root, limits), limits, writer)


class HostDirectory(WritableDirectory):
    """A host directory that a guest can use and never leave; a context manager.

    Made by `open_host_directory`. The methods named by `Operation` are what a guest may
    ask for, each with a `GuestPath` relative to the mount. All raise `VfsError`, an
    `OSError` with its errno and no host path in it. They may be called from several
    threads.

    A read-only mount refuses whatever would change it before it looks at the disk, and
    its files are open for reading only.
    """

    def open(self, guest_path: GuestPath, flags: OpenFlag, mode: int = 0o666) -> int:
        """Open a file, or a directory to `fsync` it, and return its handle.

        Args:
            guest_path: The file, relative to the mount.
            flags: How; at least one of READ and WRITE.
            mode: The permission bits of a new file, less the host's umask.

        Raises:
            ReadOnlyError: A flag in `MUTATING_FLAGS` on a read-only mount.
            RequestError: EINVAL for flags that mean nothing or an absolute path.
            LeavesMountError: A link on the way leads out of the mount.
            SpecialFileError: It is a FIFO, a device or a socket.
            LimitError: EMFILE, too many files are open.
            HostError: ENOENT, EEXIST, EISDIR, ENOTDIR, EACCES, ELOOP, EMFILE, ENOSPC
                and so on; EAGAIN if the tree does not keep still.
        """
        descriptor, _ = self._open(guest_path, mode_of(flags), mode)
        return self._handles.add(descriptor, flags)

    def open_and_read(
        self, guest_path: GuestPath, flags: OpenFlag, size: int, mode: int = 0o666
    ) -> OpenedFile:
        """Open a file and look at it, in one step of the guest's.

        Args:
            guest_path: The file, relative to the mount.
            flags: As for `open`.
            size: Bytes to read from its beginning, with READ.
            mode: As for `open`.

        Raises:
            RequestError: EINVAL for a size that no file can have, and as for `open`.
            HostError: EIO, and as for `open`.
            VfsError: As for `open`.
        """
        opening = mode_of(flags)
        check_range(size)
        descriptor, found = self._open(guest_path, opening, mode)
        head = b""
        if opening.reads and found.is_file:
            with ClosedOnError(descriptor), HostErrors(guest_path):
                head = _system.pread(
                    descriptor, min(size, self._limits.max_io_bytes), 0
                )
        handle = self._handles.add(descriptor, flags)
        return OpenedFile(handle, self._shown(found), head)

    def pwrite(self, handle: int, data: bytes | memoryview, offset: int) -> int:
        """Write to an open file and return how many bytes were written.

        Args:
            handle: From `open`, with WRITE.
            data: What to write. More than `Limits.max_io_bytes` is written in part.
            offset: Where to begin, in bytes; with APPEND the end of the file counts.

        Raises:
            ReadOnlyError: On a read-only mount.
            RequestError: EBADF, also if not open for writing; EINVAL for an offset that
                no file can have.
            HostError: ENOSPC, EDQUOT, EFBIG or EIO.
        """
        writer = self._writer_for(None)
        check_range(offset)
        part = memoryview(data)[: self._limits.max_io_bytes]
        with self._handles.use(handle) as file, HostErrors(None):
            check_writable(file.mode)
            if file.mode.appends:
                return writer.append(file.descriptor, part)
            return writer.pwrite(file.descriptor, part, offset)

    def ftruncate(self, handle: int, size: int) -> None:
        """Cut or stretch an open file.

        Args:
            handle: From `open`, with WRITE.
            size: Its new size in bytes.

        Raises:
            ReadOnlyError: On a read-only mount.
            RequestError: EBADF, also if not open for writing; EINVAL for a size that no
                file can have.
            HostError: EFBIG, ENOSPC or EIO.
        """
        writer = self._writer_for(None)
        check_range(size)
        with self._handles.use(handle) as file, HostErrors(None):
            check_writable(file.mode)
            writer.ftruncate(file.descriptor, size)

    def truncate(self, guest_path: GuestPath, size: int) -> None:
        """Cut or stretch a file.

        Args:
            guest_path: The file, relative to the mount.
            size: Its new size in bytes.

        Raises:
            ReadOnlyError: On a read-only mount.
            RequestError: EINVAL for an absolute path or a size no file can have.
            LeavesMountError: A link on the way leads out of the mount.
            SpecialFileError: It is a FIFO, a device or a socket.
            HostError: As for `open` and `ftruncate`.
        """
        writer = self._writer_for(guest_path)
        check_range(size)
        mode = mode_of(OpenFlag.WRITE)
        descriptor, _ = self._open_to_write(writer, guest_path, mode)
        try:
            with HostErrors(guest_path):
                writer.ftruncate(descriptor, size)
        finally:
            _system.close(descriptor)

    def mkdir(self, guest_path: GuestPath, mode: int = 0o777) -> None:
        """Make a directory.

        Args:
            guest_path: The directory, relative to the mount.
            mode: Its permission bits, less the host's umask.

        Raises:
            ReadOnlyError: On a read-only mount.
            RequestError: EEXIST for the root, EINVAL for an absolute path.
            LeavesMountError: A link on the way leads out of the mount.
            HostError: EEXIST, ENOENT, ENOTDIR, EACCES, ENOSPC and so on.
        """
        writer = self._writer_for(guest_path)
        with self._entry(guest_path, errno.EEXIST) as place:
            writer.mkdir(place.directory, place.name, mode & PERMISSION_BITS)

    def rmdir(self, guest_path: GuestPath) -> None:
        """Remove an empty directory.

        Args:
            guest_path: The directory, relative to the mount.

        Raises:
            ReadOnlyError: On a read-only mount.
            RequestError: EBUSY for the root, EINVAL for an absolute path.
            LeavesMountError: A link on the way leads out of the mount.
            HostError: ENOTEMPTY, ENOENT, ENOTDIR, EACCES and so on.
        """
        writer = self._writer_for(guest_path)
        with self._entry(guest_path, errno.EBUSY) as place:
            writer.rmdir(place.directory, place.name)

    def unlink(self, guest_path: GuestPath) -> None:
        """Remove a name that is no directory's; of a symlink, the link.

        Args:
            guest_path: The file, relative to the mount.

        Raises:
            ReadOnlyError: On a read-only mount.
            RequestError: EBUSY for the root, EINVAL for an absolute path.
            LeavesMountError: A link on the way leads out of the mount.
            HostError: ENOENT, EISDIR (EPERM on macOS), EACCES and so on.
        """
        writer = self._writer_for(guest_path)
        with self._entry(guest_path, errno.EBUSY) as place:
            writer.unlink(place.directory, place.name)

    def rename(
        self,
        guest_path: GuestPath,
        new_path: GuestPath,
        *,
        into: "HostDirectory | None" = None,
    ) -> None:
        """Move a file or directory, in place of a file that bears the new name.

        Args:
            guest_path: What to move, relative to the mount.
            new_path: Where to, relative to the mount.
            into: The mount of the new path, if it is another one.

        Raises:
            ReadOnlyError: One of the two mounts is read-only.
            RequestError: EXDEV between mounts, EBUSY for a root, EINVAL for an absolute
                path.
            LeavesMountError: A link on the way leads out of the mount, or one that is
                moved would do so from its new place.
            HostError: ENOENT, ENOTEMPTY, EISDIR, ENOTDIR, EACCES, EXDEV if the host has
                several disks below the mount, and so on.
        """
        writer = self._writer_for_both(guest_path, new_path, into)
        with self._moved(guest_path, new_path, errno.EBUSY) as (old, new):
            writer.rename(old.directory, old.name, new.directory, new.name)

    def link(
        self,
        guest_path: GuestPath,
        new_path: GuestPath,
        *,
        into: "HostDirectory | None" = None,
    ) -> None:
        """Give a file a second name; of a symlink, the link gets it.

        Args:
            guest_path: The file, relative to the mount.
            new_path: Its other name, relative to the mount.
            into: The mount of the new path, if it is another one.

        Raises:
            ReadOnlyError: One of the two mounts is read-only.
            RequestError: EXDEV between mounts, EEXIST for a root, EINVAL for an
                absolute path.
            LeavesMountError: A link on the way leads out of the mount, or the symlink
                would do so from its new place.
            HostError: ENOENT, EEXIST, EPERM for a directory, EACCES and so on.
        """
        writer = self._writer_for_both(guest_path, new_path, into)
        with self._moved(guest_path, new_path, errno.EEXIST) as (old, new):
            writer.link(old.directory, old.name, new.directory, new.name)

    def symlink(self, target: str, guest_path: GuestPath) -> None:
        """Make a symlink that can never lead out of the mount.

        Args:
            target: Where it leads, relative to its own directory: some `..`, then
                names. It need not exist.
            guest_path: The link, relative to the mount.

        Raises:
            ReadOnlyError: On a read-only mount.
            RequestError: EEXIST for the root; for the target ENOENT if empty, EINVAL
                and EILSEQ as for a path.
            LimitError: ENAMETOOLONG for the target.
            LeavesMountError: The target is absolute, climbs out of the mount, or climbs
                behind a name; or a link on the way leads out.
            HostError: EEXIST, ENOENT, ENOTDIR, EACCES and so on.
        """
        writer = self._writer_for(guest_path)
        spelled = check_target(target, self._limits)
        with (
            self._moves,
            self._entry(guest_path, errno.EEXIST, resolver=self._walking) as place,
        ):
            if climb_of(spelled) > place.depth:
                raise LeavesMountError(guest_path)
            writer.symlink(spelled, place.directory, place.name)

    def chmod(self, guest_path: GuestPath, mode: int) -> None:
        """Set the permission bits of a file; setuid, setgid and sticky are left out.

        Args:
            guest_path: The file, relative to the mount.
            mode: The bits.

        Raises:
            ReadOnlyError: On a read-only mount.
            RequestError: EINVAL for an absolute path.
            LeavesMountError: A link on the way leads out of the mount.
            HostError: ENOENT, EPERM, ELOOP if it was exchanged for a link, and so on.
        """
        writer = self._writer_for(guest_path)
        with self._place(guest_path) as place:
            writer.chmod(place.directory, place.name, mode & PERMISSION_BITS)

    def utime(
        self,
        guest_path: GuestPath,
        atime_ns: int,
        mtime_ns: int,
        *,
        follow: bool = True,
    ) -> None:
        """Set the times of a file.

        Args:
            guest_path: The file, relative to the mount.
            atime_ns: Of the last read, in nanoseconds since 1970.
            mtime_ns: Of the last change, the same.
            follow: Whether a symlink in the last place is followed.

        Raises:
            ReadOnlyError: On a read-only mount.
            RequestError: EINVAL for an absolute path or a time out of range.
            LeavesMountError: A link on the way leads out of the mount.
            HostError: ENOENT, EPERM, EACCES and so on.
        """
        writer = self._writer_for(guest_path)
        if max(abs(atime_ns), abs(mtime_ns)) > MAX_OFFSET:
            raise RequestError(errno.EINVAL, guest_path)
        with self._place(guest_path, follow=follow) as place:
            writer.utime(place.directory, place.name, atime_ns, mtime_ns)

    def _open(
        self, guest_path: GuestPath, mode: OpenMode, bits: int
    ) -> tuple[int, FileStat]:
        if mode.mutates:
            writer = self._writer_for(guest_path)
            check_mode(guest_path, mode)
            return self._open_to_write(writer, guest_path, mode, bits)
        check_mode(guest_path, mode)
        return self._open_to_read(guest_path, mode)
