"""Copies one file from one contained directory to another, whole or not at all."""

import errno
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress

from . import _system
from ._attributes import FileStat
from ._directory import HostDirectory
from ._errors import HostError, LimitError, VfsError
from ._guest_path import GuestPath
from ._limits import Limits
from ._operations import OpenFlag

PARTIAL_PREFIX = ".runt-partial-"
"""Begins the name of a file that is being copied; no whole file bears it."""

Version = tuple[int, int, int, int]
"""What tells one state of a file from the next. No guest can set a ctime."""


def version_of(found: FileStat) -> Version:
    """Return what identifies the present state of a file.

    Args:
        found: The attributes of the file. All states of a directory count as one.
    """
    if found.is_directory:
        return (0, 0, 0, 0)
    return (found.inode, found.size, found.mtime_ns, found.ctime_ns)


class Copier:
    """Copies from one directory to the other, and makes the way there.

    Args:
        source: Where to copy from.
        target: Where to copy to.
        limits: How to copy.
    """

    def __init__(
        self, source: HostDirectory, target: HostDirectory, limits: Limits
    ) -> None:
        self._source = source
        self._target = target
        self._limits = limits
        self._there: set[GuestPath] = set()
        self._renamed_in: set[GuestPath] = set()
        self._settled_ns = 0

    def is_there(self, path: GuestPath, found: FileStat) -> bool:
        """Tell whether the target has this file or link already, going by its looks.

        Args:
            path: The file.
            found: Its attributes in the source.

        Raises:
            VfsError: Either directory cannot be read.
        """
        try:
            other = self._target.lstat(path)
            if found.is_symlink and other.is_symlink:
                return self._source.readlink(path) == self._target.readlink(path)
        except HostError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return False
            raise
        looks = (other.size, other.mtime_ns)
        return other.is_file and found.is_file and looks == (found.size, found.mtime_ns)

    def make_directory(self, directory: GuestPath) -> None:
        """Make a directory and all above it, where they are missing.

        Args:
            directory: The directory.

        Raises:
            VfsError: Something else is in its place, or the target refuses.
        """
        missing: list[GuestPath] = []
        while not directory.is_root and directory not in self._there:
            missing.append(directory)
            directory = directory.parent
        for one in reversed(missing):
            try:
                self._target.mkdir(one)
            except HostError as error:
                taken = error.errno == errno.EEXIST
                if not taken or not self._target.stat(one).is_directory:
                    raise
            else:
                self._renamed_in.add(one.parent)
            self._there.add(one)

    def copy_link(self, path: GuestPath) -> None:
        """Make a symlink of the source in the target as well.

        Args:
            path: The link.

        Raises:
            VfsError: It leads out of the target, or either directory refuses.
        """
        target = self._source.readlink(path)
        with self._partial(path) as partial:
            self._target.symlink(target, partial)
            self._finish(partial, path)

    def copy_file(self, path: GuestPath) -> Version:
        """Copy a file, and return which state of it the target has now.

        Args:
            path: The file.

        Raises:
            LimitError: EAGAIN, it changed while it was read, each time.
            VfsError: Either directory refuses; the target has what it had before.
        """
        handle = self._source.open(path, OpenFlag.READ | OpenFlag.NOFOLLOW)
        try:
            for _ in range(self._limits.max_copy_attempts):
                before = self._source.fstat(handle)
                self._wait_until_settled(before)
                with self._partial(path) as partial:
                    self._copy_content(handle, before, partial)
                    after = self._source.fstat(handle)
                    if version_of(after) == version_of(before):
                        self._finish(partial, path)
                        return version_of(after)
        finally:
            self._source.close(handle)
        raise LimitError(errno.EAGAIN, "This file changed while it was copied", path)

    def write_names(self) -> None:
        """Wait until the names of all that was copied are on the disk.

        Raises:
            VfsError: A name may be lost if the power fails now.
        """
        for directory in sorted(self._renamed_in):
            handle = self._target.open(directory, OpenFlag.READ)
            try:
                self._target.fsync(handle)
            finally:
                self._target.close(handle)

    def remove_stale_partials(self, directory: GuestPath) -> None:
        """Remove what a process that died while it copied has left behind.

        What was written to of late may belong to another that lives.

        Args:
            directory: Where to look.

        Raises:
            VfsError: The target cannot be read, or refuses.
        """
        newest_ns = _system.now_ns() - self._limits.stale_partial_s * 1_000_000_000
        for entry in self._target.readdir(directory):
            is_partial = entry.name.startswith(PARTIAL_PREFIX)
            if is_partial and entry.stat.ctime_ns <= newest_ns:
                self._target.unlink(directory.child(entry.name))

    @contextmanager
    def _partial(self, path: GuestPath) -> Generator[GuestPath]:
        name = f"{PARTIAL_PREFIX}{secrets.token_hex(8)}"
        partial = path.parent.child(name)
        try:
            yield partial
        finally:
            # Renamed it is gone; on a failure the first error is the one that counts.
            with suppress(VfsError):
                self._target.unlink(partial)

    def _finish(self, partial: GuestPath, path: GuestPath) -> None:
        self._target.rename(partial, path)
        self._renamed_in.add(path.parent)

    def _copy_content(self, handle: int, before: FileStat, partial: GuestPath) -> None:
        flags = OpenFlag.WRITE | OpenFlag.CREATE | OpenFlag.EXCLUSIVE
        written = self._target.open(partial, flags)
        try:
            offset = 0
            # Not to the end of the file: one that grows would never be copied.
            while offset < before.size:
                size = min(self._limits.copy_chunk_bytes, before.size - offset)
                data = self._source.pread(handle, size, offset)
                if not data:
                    break
                offset += self._target.pwrite(written, data, offset)
            self._target.utime(partial, before.atime_ns, before.mtime_ns)
            self._target.fsync(written)
        finally:
            self._target.close(written)

    def _wait_until_settled(self, found: FileStat) -> None:
        now_ns = _system.now_ns()
        settle_ns = self._limits.settle_ms * 1_000_000
        # A time in the future is another machine's clock; waiting would not help.
        if max(now_ns - settle_ns, self._settled_ns) < found.ctime_ns <= now_ns:
            self._settled_ns = now_ns
            _system.sleep(self._limits.settle_ms / 1000)
