"""The API of micropip, answered by the supervisor: the sandbox has no network.

Source: micropip 0.11, whose names and parameters these are.
"""

from collections.abc import Iterable

from runt_kernel import _pip
from runt_kernel._packages import PackageError

__version__ = "0.11.1+runt"

__all__ = ["freeze", "install", "list", "set_constraints", "uninstall"]

Names = str | Iterable[str]

_constraints: list[str] = []


async def install(  # noqa: PLR0913, PLR0917 (micropip's signature)
    requirements: Names,
    keep_going: bool = False,  # noqa: ARG001, FBT001, FBT002 (all is told anyway)
    deps: bool = True,  # noqa: FBT001, FBT002
    credentials: str | None = None,  # noqa: ARG001 (the supervisor asks as itself)
    pre: bool = False,  # noqa: FBT001, FBT002
    index_urls: Names | None = None,
    *,
    constraints: Iterable[str] | None = None,
    reinstall: bool = False,  # noqa: ARG001 (another version always replaces this one)
    verbose: bool | None = None,
) -> None:
    """Install packages and what they need from the index, or wheels by their path.

    Raises:
        ValueError: a package cannot be had; the text says why.
    """
    if index_urls is not None:
        raise PackageError(_pip.INDEX_IS_FIXED)
    wanted = [requirements] if isinstance(requirements, str) else [*requirements]
    options = _pip.InstallOptions(
        constraints=[*(_constraints if constraints is None else constraints)],
        pre=pre,
        no_deps=not deps,
        tell=print if verbose or verbose is None else _say_nothing,
    )
    _pip.install(wanted, options)


def uninstall(packages: Names, *, verbose: bool = False) -> None:
    """Take packages away; what is imported stays imported."""
    names = [packages] if isinstance(packages, str) else [*packages]
    _pip.uninstall(names, print if verbose else _say_nothing)


def list() -> dict[str, str]:  # noqa: A001 (micropip's name)
    """Return the installed packages by name."""
    return _Packages({it.metadata["Name"]: it.version for it in _pip.installed()})


def freeze() -> str:
    """Return the installed packages as lines of a requirements file."""
    return "".join(f"{name}=={version}\n" for name, version in list().items())


def set_constraints(constraints: Iterable[str]) -> None:
    """Set the versions that later installations keep to."""
    _constraints[:] = constraints


def _say_nothing(_line: str) -> None:
    pass


class _Packages(dict[str, str]):
    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:{width}} {version}" for name, version in self.items())
