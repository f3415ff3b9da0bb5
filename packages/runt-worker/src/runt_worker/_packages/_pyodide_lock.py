"""What pyodide-lock.json says: Pyodide's own packages and how they hang together."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Literal, Self

import msgspec
from msgspec.structs import replace

from ._errors import LockFileError, UnknownPackageError
from ._pins import Pin, canonical_name


class LockedPackage(Pin, frozen=True, kw_only=True):
    """One entry of Pyodide's lock file.

    Attributes:
        package_type: Whether Python imports it or the linker loads it.
        install_dir: `site` for site-packages, `dynlib` for the library path.
        imports: The top-level modules it brings.
        depends: Canonical names of the packages that it needs.
        unvendored_tests: Whether its tests were split off into a package of their own.
    """

    package_type: Literal["package", "shared_library"] = "package"
    install_dir: Literal["site", "dynlib"] = "site"
    imports: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    unvendored_tests: bool = False


class _Info(msgspec.Struct, frozen=True):
    """The build that the lock file belongs to."""

    abi_version: str
    python: str


class _Document(msgspec.Struct, frozen=True):
    """The file as it is laid out."""

    info: _Info
    packages: dict[str, LockedPackage]


class PyodideLock:
    """Pyodide's packages by name and by import.

    Attributes:
        abi_version: The binary interface that all compiled wheels are built for.
        python_version: The version of Python inside Pyodide.
        packages: Every package by canonical name.
    """

    def __init__(
        self,
        packages: Mapping[str, LockedPackage],
        *,
        abi_version: str,
        python_version: str,
    ) -> None:
        self.packages = packages
        self.abi_version = abi_version
        self.python_version = python_version
        self._by_import = {
            module: package.name
            for package in packages.values()
            for module in package.imports
        }

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a lock file.

        Args:
            data: The bytes of pyodide-lock.json.

        Raises:
            LockFileError: It is no lock file, or an entry depends on a missing one.

        Source: pyodide-lock.json of Pyodide 314.
        """
        try:
            document = msgspec.json.decode(data, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LockFileError(str(error)) from error
        packages = {
            canonical_name(name): replace(
                package,
                name=canonical_name(name),
                depends=tuple(canonical_name(other) for other in package.depends),
            )
            for name, package in document.packages.items()
        }
        for package in packages.values():
            for other in package.depends:
                if other not in packages:
                    reason = f"{package.name} depends on {other}, which is missing"
                    raise LockFileError(reason)
        return cls(
            packages,
            abi_version=document.info.abi_version,
            python_version=document.info.python,
        )

    def package(self, name: str) -> LockedPackage:
        """Return one package, however its name is spelled.

        Args:
            name: A distribution's name.

        Raises:
            UnknownPackageError: The lock file does not have it.
        """
        canonical = canonical_name(name)
        try:
            return self.packages[canonical]
        except KeyError:
            # Somebody may have asked for what they import: sklearn, PIL, cv2.
            imported = self.package_for_import(name)
            similar = (
                [imported] if imported else get_close_matches(canonical, self.packages)
            )
            raise UnknownPackageError(name, similar) from None

    def closure(self, names: Iterable[str]) -> tuple[LockedPackage, ...]:
        """Return packages with all they need, each after what it depends on.

        Args:
            names: Distributions' names, in any spelling.

        Raises:
            UnknownPackageError: The lock file does not have one of them.
        """
        ordered: dict[str, LockedPackage] = {}
        visited: set[str] = set()

        def visit(package: LockedPackage) -> Iterator[LockedPackage]:
            if package.name in visited:
                return
            # Marked before its dependencies, so that a cycle ends.
            visited.add(package.name)
            for other in package.depends:
                yield from visit(self.packages[other])
            yield package

        for name in names:
            for package in visit(self.package(name)):
                ordered[package.name] = package
        return tuple(ordered.values())

    def package_for_import(self, module: str) -> str | None:
        """Return the name of the package that brings a module, if one does.

        Args:
            module: What an import statement names, dots included.
        """
        return self._by_import.get(module.partition(".")[0])
