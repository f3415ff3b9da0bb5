"""The options that say which packages a sandbox has and where they come from."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from runt_cli._errors import ConfigurationError

if TYPE_CHECKING:
    from runt_worker import WorkerOptions


class PackageFlags(NamedTuple):
    """What the command line and the environment said about packages.

    Attributes:
        packages_dir: A directory with wheels, asked before any network.
        mirror_url: A folder that serves what Pyodide's download site does.
        requirements: Requirements files.
    """

    packages_dir: str | None = None
    mirror_url: str | None = None
    requirements: tuple[str, ...] = ()


PACKAGES_DIR = click.option(
    "--packages-dir",
    "packages_dir",
    metavar="DIR",
    envvar="RUNT_PACKAGES",
    help="A directory with wheels, or a Pyodide distribution, that is asked before "
    "any network (RUNT_PACKAGES).",
)
_PACKAGES = click.option(
    "--packages",
    "packages_dir",
    metavar="DIR",
    envvar="RUNT_PACKAGES",
    help="A directory with wheels, or a Pyodide distribution, that is asked before "
    "any network (RUNT_PACKAGES).",
)
MIRROR = click.option(
    "--packages-mirror",
    "mirror_url",
    metavar="URL",
    envvar="RUNT_PACKAGES_MIRROR",
    help="A folder that serves what Pyodide's download site does "
    "(RUNT_PACKAGES_MIRROR).",
)
_REQUIREMENTS = click.option(
    "--requirements",
    "-r",
    "requirements",
    multiple=True,
    metavar="FILE",
    help="Have the packages of a requirements file there from the start. Repeatable.",
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for where packages come from, as one `packages: PackageFlags`.

    Args:
        command: The function behind the command.
    """

    @_PACKAGES
    @MIRROR
    @wraps(command)
    def with_sources(
        *arguments: Any,
        packages_dir: str | None,
        mirror_url: str | None,
        **others: Any,
    ) -> Any:
        flags = PackageFlags(packages_dir=packages_dir, mirror_url=mirror_url)
        return command(*arguments, packages=flags, **others)

    return with_sources


def package_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add those and `--requirements`, likewise.

    Args:
        command: The function behind the command.
    """

    @_REQUIREMENTS
    @source_options
    @wraps(command)
    def with_packages(
        *arguments: Any,
        packages: PackageFlags,
        requirements: tuple[str, ...],
        **others: Any,
    ) -> Any:
        flags = packages._replace(requirements=requirements)
        return command(*arguments, packages=flags, **others)

    return with_packages


def with_packages(options: "WorkerOptions", flags: PackageFlags) -> "WorkerOptions":
    """Return a worker's options with what the flags say.

    Args:
        options: The options without it.
        flags: What the command line said.

    Raises:
        ConfigurationError: A directory or an address is of no use.
        RequirementError: A requirements file cannot be read, or makes no sense.
    """
    # Late: help and usage errors need none of it.
    from dataclasses import replace  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from runt_worker import read_requirements  # noqa: PLC0415

    packages_dir = Path(flags.packages_dir).absolute() if flags.packages_dir else None
    if packages_dir is not None and not packages_dir.is_dir():
        raise ConfigurationError(
            f"--packages {flags.packages_dir}: there is no such directory"
        )
    if flags.mirror_url and not flags.mirror_url.startswith(("https://", "http://")):
        raise ConfigurationError(
            f"--packages-mirror {flags.mirror_url}: this is no address (https://…)"
        )
    options = replace(
        options, packages_dir=packages_dir, mirror_url=flags.mirror_url or None
    )
    if not flags.requirements:
        return options
    requirements, constraints = read_requirements(map(Path, flags.requirements))
    return replace(
        options,
        requirements=(*options.requirements, *requirements),
        constraints=(*options.constraints, *constraints),
    )
