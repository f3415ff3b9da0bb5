"""Which host directory bears which name below /mnt."""

from collections.abc import Iterable
from dataclasses import dataclass

from ._errors import DuplicateMountError, NotMountedError
from ._guest_path import GuestPath
from ._names import HostPath, absolute_path, alias_name, mount_name

MOUNT_POINT = "mnt"
"""The directory of the guest that holds the mounts."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A host directory and its place in the guest.

    Attributes:
        host_path: The directory, absolute and normalised, symlinks unresolved.
        name: Its name, which a listing of `/mnt` shows.
        alias: A second name under which it is found and not listed, or None.
    """

    host_path: str
    name: str
    alias: str | None

    @property
    def guest_path(self) -> GuestPath:
        """Where the guest finds it: `/mnt/<name>`."""
        return GuestPath.parse("").below((MOUNT_POINT, self.name))


class MountTable:
    """Gives each host directory one name of its own, and finds it by that.

    The names follow from the ordered list of absolute paths alone: no disk is asked,
    nothing is resolved, and the same command line has the same names tomorrow. Where
    two directories would share a name, the later one gets `_2`, `_3`, and so on,
    the first that is neither a name nor an alias of any directory in the list.

    Args:
        host_paths: The directories in the user's order, each as for `mount_name`.

    Attributes:
        mounts: One for each directory, in the order given.

    Raises:
        DuplicateMountError: A directory is given twice, in whatever spelling.
    """

    def __init__(self, host_paths: Iterable[HostPath]) -> None:
        given = list(host_paths)
        absolute = [absolute_path(path) for path in given]
        for index, path in enumerate(absolute):
            if path in absolute[:index]:
                raise DuplicateMountError(path)
        names = [mount_name(path) for path in given]
        aliases = [alias_name(path) for path in given]
        taken: set[str] = set()
        spoken_for = {*names, *aliases}
        own_names = [_claim(name, taken, spoken_for) for name in names]
        # Every name stands before the first alias: what `/mnt` lists comes first.
        own_aliases = [
            None if alias == name else _claim(alias, taken, spoken_for)
            for name, alias in zip(names, aliases, strict=True)
        ]
        self.mounts: tuple[Mount, ...] = tuple(
            Mount(host_path=path, name=name, alias=alias)
            for path, name, alias in zip(absolute, own_names, own_aliases, strict=True)
        )
        self._found = {mount.name: mount for mount in self.mounts}
        self._found |= {mount.alias: mount for mount in self.mounts if mount.alias}

    @property
    def names(self) -> tuple[str, ...]:
        """What a listing of `/mnt` shows."""
        return tuple(mount.name for mount in self.mounts)

    def resolve(self, guest_path: GuestPath) -> tuple[Mount, GuestPath]:
        """Find the mount in which a virtual path lies, by name or alias.

        Args:
            guest_path: An absolute path of the guest.

        Returns:
            The mount, and the path relative to its root.

        Raises:
            NotMountedError: It lies in no mount; `/mnt` itself and what is relative lie
                in none.
        """
        top, name = (*guest_path.parts, "", "")[:2]
        if not guest_path.is_absolute or top != MOUNT_POINT or name not in self._found:
            raise NotMountedError(guest_path)
        return self._found[name], guest_path.relative_to(2)

    def guest_path(self, mount: Mount, relative_path: GuestPath) -> GuestPath:
        """Return the virtual path of a file; the way back from `resolve`.

        Args:
            mount: A mount of this table.
            relative_path: The file's path relative to the mount's root.
        """
        return relative_path.below(mount.guest_path.parts)


def _claim(wanted: str, taken: set[str], spoken_for: set[str]) -> str:
    name, number = wanted, 1
    while name in taken or (number > 1 and name in spoken_for):
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name
