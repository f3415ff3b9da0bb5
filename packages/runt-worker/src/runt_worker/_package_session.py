"""Which packages one sandbox process sees, as the supervisor knows it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runt_worker._packages import InstalledPackage


class PackageSession:
    """The packages of one process, by name.

    Args:
        kernel: What every sandbox has; it cannot be taken away.
        requested: What else is there from the start.
    """

    def __init__(
        self,
        kernel: Iterable[InstalledPackage] = (),
        requested: Iterable[InstalledPackage] = (),
    ) -> None:
        kernel = tuple(kernel)
        self._kernel = frozenset(package.name for package in kernel)
        self._visible = {package.name: package for package in kernel}
        self._visible |= {package.name: package for package in requested}
        # Fixed when a package is shown: its bytecode may come to be only later.
        self._paths = {name: it.paths for name, it in self._visible.items()}
        self._gone: dict[Path, None] = {}

    @property
    def visible(self) -> Mapping[str, InstalledPackage]:
        """What is there now, by canonical name."""
        return self._visible

    def is_fixed(self, name: str) -> bool:
        """Say whether the sandbox itself needs a package.

        Args:
            name: Its canonical name.
        """
        return name in self._kernel

    def add(self, packages: Iterable[InstalledPackage]) -> None:
        """Show packages, in place of other versions of them.

        Args:
            packages: What becomes visible.
        """
        for package in packages:
            self.remove(package.name)
            for path in package.paths:
                self._gone.pop(path, None)
            self._visible[package.name] = package
            self._paths[package.name] = package.paths

    def remove(self, name: str) -> InstalledPackage | None:
        """Hide a package, and return it if it was there.

        Args:
            name: Its canonical name.
        """
        package = self._visible.pop(name, None)
        for path in self._paths.pop(name, ()):
            self._gone[path] = None
        return package

    def answer(self) -> dict[str, Any]:
        """Return what the guest's views of packages have to show.

        It is the whole state, not a difference: a guest that missed an answer, because
        it was interrupted, is right again after the next one.
        """
        paths: list[str] = []
        libraries: list[str] = []
        for name, package in self._visible.items():
            shown = libraries if package.is_shared_library else paths
            shown += map(str, self._paths[name])
        return {
            "paths": paths,
            "libraries": libraries,
            "removed": [str(path) for path in self._gone],
        }
