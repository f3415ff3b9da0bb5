"""How a host directory is changed: who may, where, and whether links stay inside."""

import errno
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from . import _system
from ._attributes import FileStat
from ._errors import (
    HostError,
    HostErrors,
    LeavesMountError,
    ReadOnlyError,
    RequestError,
)
from ._guest_path import GuestPath
from ._limits import Limits
from ._links import climb_of
from ._opening import ClosedOnError, Located, check_openable, opened, seen
from ._operations import OpenMode
from ._reading import ReadableDirectory
from ._resolve import Place, Resolver, WalkingResolver

PERMISSION_BITS = 0o777
"""A guest sets no setuid, setgid or sticky bit: programs of the host heed them."""


class WritableDirectory(ReadableDirectory):
    """What the changing operations of `HostDirectory` are made of.

    Every change goes through one object, the writer, and a read-only mount has none: it
    has nothing to change a file with, whatever an operation forgets to check.

    Args:
        root: The descriptor of the directory, which is taken over.
        resolver: How paths are resolved.
        limits: What the guest may ask for.
        writer: What can change files; None makes the mount read-only.
    """

    def __init__(
        self,
        root: int,
        resolver: Resolver,
        limits: Limits,
        writer: _system.Writer | None,
    ) -> None:
        super().__init__(root, resolver, limits, read_only=writer is None)
        self._writer = writer
        # Where a symlink may lead depends on where it lies, so links and moves take
        # turns; and they walk, because the kernel does not say how deep it went.
        self._moves = threading.Lock()
        self._walking = WalkingResolver(limits)

    def _writer_for(self, guest_path: GuestPath | None) -> _system.Writer:
        if self._writer is None:
            raise ReadOnlyError(guest_path)
        return self._writer

    def _writer_for_both(
        self, old_path: GuestPath, new_path: GuestPath, into: ReadableDirectory | None
    ) -> _system.Writer:
        writer = self._writer_for(old_path)
        if into is not None and into is not self:
            if into.is_read_only:
                raise ReadOnlyError(new_path)
            raise RequestError(errno.EXDEV, new_path)
        return writer

    def _entry(
        self,
        guest_path: GuestPath,
        error_of_root: int,
        *,
        resolver: Resolver | None = None,
    ) -> Located:
        if guest_path.is_root:
            raise RequestError(error_of_root, guest_path)
        return self._place(guest_path, follow=False, resolver=resolver)

    @contextmanager
    def _moved(
        self, old_path: GuestPath, new_path: GuestPath, error_of_root: int
    ) -> Generator[tuple[Place, Place]]:
        with (
            self._moves,
            self._entry(new_path, error_of_root, resolver=self._walking) as new,
            self._entry(old_path, error_of_root, resolver=self._walking) as old,
        ):
            # Links climb by their own directory's depth; only a higher place harms.
            if new.depth < old.depth:
                for depth, target in self._links_in(old_path, old):
                    if climb_of(target) > new.depth + depth:
                        raise LeavesMountError(new_path)
            yield old, new

    def _links_in(self, path: GuestPath, place: Place) -> Iterator[tuple[int, bytes]]:
        """Yield each link from a place downwards: depth below the place, and target."""
        found = _system.lstat(place.directory, place.name)
        if found.is_symlink:
            yield 0, _system.readlink(place.directory, place.name)
        directories = [(path, 1)] if found.is_directory else []
        while directories:
            directory, depth = directories.pop()
            for entry in self.readdir(directory):
                child = directory.child(entry.name)
                if entry.stat.is_directory:
                    directories.append((child, depth + 1))
                elif entry.stat.is_symlink:
                    with self._place(child, follow=False) as link:
                        yield depth, _system.readlink(link.directory, link.name)

    def _open_to_write(
        self,
        writer: _system.Writer,
        guest_path: GuestPath,
        mode: OpenMode,
        bits: int = 0,
    ) -> tuple[int, FileStat]:
        for _ in range(self._limits.max_races):
            descriptor = self._try_to_open(writer, guest_path, mode, bits)
            if descriptor is not None:
                break
        else:
            raise HostError(errno.EAGAIN, guest_path)
        found = opened(guest_path, descriptor, mode)
        if mode.truncates:
            with ClosedOnError(descriptor), HostErrors(guest_path):
                writer.ftruncate(descriptor, 0)
                found = _system.fstat(descriptor)
        return descriptor, found

    def _try_to_open(
        self,
        writer: _system.Writer,
        guest_path: GuestPath,
        mode: OpenMode,
        bits: int,
    ) -> int | None:
        """Open or create a file; None if it came, went or became a link meanwhile."""
        with self._place(guest_path, follow=mode.follows) as place:
            try:
                found = seen(place)
            except FileNotFoundError:
                if not mode.creates:
                    raise
                try:
                    return writer.create(
                        place.directory,
                        place.name,
                        bits & PERMISSION_BITS,
                        read=mode.reads,
                        append=mode.appends,
                    )
                except FileExistsError:
                    return None
            if mode.must_be_new:
                raise HostError(errno.EEXIST, guest_path)
            check_openable(guest_path, found, mode)
            try:
                if not mode.writes:
                    return _system.open_for_reading(place.directory, place.name)
                return writer.open(
                    place.directory, place.name, read=mode.reads, append=mode.appends
                )
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ELOOP):
                    raise
                return None


def check_mode(guest_path: GuestPath, mode: OpenMode) -> None:
    """Refuse flags that mean nothing together.

    Raises:
        RequestError: EINVAL.
    """
    if not mode.means_something:
        raise RequestError(errno.EINVAL, guest_path)


def check_writable(mode: OpenMode) -> None:
    """Refuse to write to a file that was not opened for it.

    The system may not know: one that had to be created is open for writing to us.

    Raises:
        RequestError: EBADF.
    """
    if not mode.writes:
        raise RequestError(errno.EBADF)
