"""What stands behind `--mount`: which directory, under which name, in which mode.

Nothing here asks whether a directory exists, but for the one case where the text could
mean two of them.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import click

from runt_cli._errors import ConfigurationError
from runt_vfs import DuplicateMountError, MountTable

_MODES: Final = {":ro": False, ":rw": True}
"""Suffixes, and whether cells may then change what is in the directory."""


@dataclass(frozen=True, kw_only=True)
class MountRequest:
    """A directory that somebody wants in the sandbox.

    Attributes:
        host_path: The directory as it was given.
        allow_writes: Whether cells may change what is in it; None if nobody said.
    """

    host_path: str
    allow_writes: bool | None


def parse_mount(text: str) -> MountRequest:
    """Take a mount's suffix off, if it is one: an existing `data:ro` is a directory.

    Args:
        text: What stands behind `--mount`.

    Returns:
        The directory, which may be missing, and its mode.

    Raises:
        ConfigurationError: No path is left. An empty one would mean the working
            directory, which is what an unset variable in a script must not mount.
    """
    request = MountRequest(host_path=text, allow_writes=None)
    for suffix, allow_writes in _MODES.items():
        if text.endswith(suffix) and not os.path.lexists(text):
            path = text.removesuffix(suffix)
            request = MountRequest(host_path=path, allow_writes=allow_writes)
    if not request.host_path:
        raise ConfigurationError(
            "A mount without a path; the working directory would be `--mount .`"
        )
    return request


def mount_table(requests: Iterable[MountRequest]) -> MountTable:
    """Decide on the names of all mounts.

    Args:
        requests: The directories, in the order that decides their names.

    Raises:
        ConfigurationError: One is given twice.
    """
    try:
        return MountTable(request.host_path for request in requests)
    except DuplicateMountError as error:
        raise ConfigurationError(
            f"{shown(error.filename)} is to be mounted twice; "
            "leave one of the two mounts out."
        ) from None


def shown(host_path: str | os.PathLike[str]) -> str:
    """Make text of a host path, whatever bytes are in it.

    Args:
        host_path: A path, which may hold what is not valid in the system's encoding.
    """
    return click.format_filename(host_path)
