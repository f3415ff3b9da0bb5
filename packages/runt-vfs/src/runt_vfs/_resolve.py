"""Where the names of a guest path lead, without ever leaving the mount's root.

Both resolvers end in a `Place`: an open directory and ONE name in it. Every operation
acts on the two and follows no symlink, so nothing that happens to the tree between the
look and the act can lead it elsewhere.
"""

import errno
import os
from typing import NamedTuple, Protocol

from . import _system
from ._attributes import FileStat
from ._errors import LeavesMountError
from ._guest_path import GuestPath, encode_name
from ._limits import Limits

ITSELF = b"."
"""The name of a place that is its own directory, such as the root."""


class Place(NamedTuple):
    """An entry of a directory that is held open.

    Attributes:
        directory: The directory's descriptor.
        name: The entry's name, or `ITSELF`.
        depth: How many directories down from the root its directory really is, all
            links followed; -1 from the kernel, which does not say.
        is_root: Whether the directory is the mount's own root, which stays open.
        seen: The entry's attributes, if the way there had to look at them.
    """

    directory: int
    name: bytes
    depth: int = -1
    is_root: bool = False
    seen: FileStat | None = None

    def close(self) -> None:
        """Let go of the directory."""
        if not self.is_root:
            _system.close(self.directory)


class Resolver(Protocol):
    """Finds the place of a path below a root."""

    def locate(self, root: int, guest_path: GuestPath, *, follow: bool) -> Place:
        """Find the place of a path; its last name need not exist.

        Args:
            root: The descriptor of the directory to stay below.
            guest_path: The path, relative to it.
            follow: Whether a symlink in the last place is followed.

        Raises:
            LeavesMountError: A link leads out of the root.
            OSError: What the system says, such as ENOENT, ENOTDIR and ELOOP.
        """
        ...


class WalkingResolver:
    """Walks name by name and reads each link itself; works on every POSIX system.

    Only one directory is open at a time, each opened from the one before without
    following links. `..` (it comes from links alone) is never looked up on the disk,
    where a moved directory would lead it out: the walk goes back to the root and down
    again to where it was.

    Args:
        limits: How many links are followed.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def locate(self, root: int, guest_path: GuestPath, *, follow: bool) -> Place:
        """Find the place of a path, as `Resolver.locate`.

        Raises:
            LeavesMountError: A link leads out of the root.
            OSError: What the system says.
        """
        walk = _Walk(root, _names(guest_path), self._limits.max_links)
        try:
            return walk.to_the_end(follow=follow)
        except BaseException:
            _system.close(walk.directory)
            raise


class KernelResolver:
    """Lets Linux resolve (`openat2`), one call for all directories of a path.

    Args:
        limits: How often a resolution starts anew because the tree changed under it.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._walking = WalkingResolver(limits)

    def locate(self, root: int, guest_path: GuestPath, *, follow: bool) -> Place:
        """Find the place of a path, as `Resolver.locate`.

        Raises:
            LeavesMountError: A link leads out of the root.
            OSError: What the system says; EAGAIN if the tree never keeps still.
        """
        names = _names(guest_path)
        place = self._place(root, names)
        if not (follow and names):
            return place
        try:
            seen = _look(place.directory, place.name)
        except BaseException:
            place.close()
            raise
        if seen is not None and seen.is_symlink:
            # Rare enough to be left to the walk, which has to know all this anyway.
            place.close()
            return self._walking.locate(root, guest_path, follow=True)
        return place._replace(seen=seen)

    def _place(self, root: int, names: list[bytes]) -> Place:
        if not names:
            return Place(root, ITSELF, depth=0, is_root=True)
        if len(names) == 1:
            return Place(root, names[0], depth=0, is_root=True)
        directory = self._open_directory(root, b"/".join(names[:-1]))
        return Place(directory, names[-1])

    def _open_directory(self, root: int, path: bytes) -> int:
        for _ in range(self._limits.max_races):
            try:
                return _system.open_beneath(root, path)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    raise LeavesMountError from None
                if error.errno != errno.EAGAIN:
                    raise
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def choose_resolver(root: int, limits: Limits) -> Resolver:
    """Return the best resolver that this system has.

    Args:
        root: Any directory, to try it on.
        limits: For the resolver.
    """
    if _system.has_open_beneath(root):
        return KernelResolver(limits)
    return WalkingResolver(limits)


class _Walk:
    def __init__(self, root: int, names: list[bytes], max_links: int) -> None:
        self._root = root
        self._pending = list(reversed(names))
        self._walked: list[bytes] = []
        self._links_left = max_links
        self.directory = _system.duplicate(root)

    def to_the_end(self, *, follow: bool) -> Place:
        while self._pending:
            name = self._pending.pop()
            if name == b"..":
                self._climb()
            elif self._pending:
                self._descend(name)
            elif not (follow and self._expand(name)):
                return Place(
                    directory=self.directory, name=name, depth=len(self._walked)
                )
        return Place(directory=self.directory, name=ITSELF, depth=len(self._walked))

    def _descend(self, name: bytes) -> None:
        try:
            found = _system.open_directory(self.directory, name)
        except OSError as error:
            # Systems differ in what they say of a symlink here.
            if error.errno not in (errno.ELOOP, errno.ENOTDIR) or not self._expand(
                name
            ):
                raise
            return
        self._move_to(found)
        self._walked.append(name)

    def _climb(self) -> None:
        if not self._walked:
            raise LeavesMountError
        way_down = self._walked[:-1]
        self._move_to(_system.duplicate(self._root))
        for name in way_down:
            self._move_to(_system.open_directory(self.directory, name))
        self._walked = way_down

    def _move_to(self, directory: int) -> None:
        _system.close(self.directory)
        self.directory = directory

    def _expand(self, name: bytes) -> bool:
        found = _look(self.directory, name)
        if found is None or not found.is_symlink:
            return False
        target = _system.readlink(self.directory, name)
        if self._links_left == 0:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self._links_left -= 1
        if target.startswith(b"/"):
            raise LeavesMountError
        names = [part for part in target.split(b"/") if part not in (b"", b".")]
        self._pending.extend(reversed(names))
        return True


def _names(guest_path: GuestPath) -> list[bytes]:
    # A GuestPath holds no `..`, which the kernel would look up in the last place.
    return [encode_name(part) for part in guest_path.parts]


def _look(directory: int, name: bytes) -> FileStat | None:
    try:
        return _system.lstat(directory, name)
    except FileNotFoundError:
        return None
