"""The options that give a sandbox directories of the host, as several commands have.

Source: the command line of the TypeScript agent, whose flags these are. The suffixes
`:ro` and `:rw` are ours.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import click


class FileFlags(NamedTuple):
    """What the command line said about files, word for word.

    Attributes:
        mounts: The directories to mount, each perhaps with `:ro` or `:rw` behind it.
        mount_readonly: Whether all of them are read-only.
        output_dir: Where `/outputs` is copied to; None if nobody said.
    """

    mounts: tuple[str, ...] = ()
    mount_readonly: bool = False
    output_dir: str | None = None


_MOUNT = click.option(
    "--mount",
    "-m",
    "mounts",
    multiple=True,
    metavar="PATH[:ro|:rw]",
    help="Show the sandbox a directory, below /mnt; cells may change what is in it, "
    "unless :ro stands behind it. Repeatable; `runt mounts` tells the names.",
)
_MOUNT_READONLY = click.option(
    "--mount-readonly", is_flag=True, help="Let cells change nothing in any mount."
)
_OUTPUT_DIR = click.option(
    "--output-dir",
    metavar="PATH",
    help="Copy what cells leave in /outputs to this directory, after each of them.",
)


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the three options to a command, which gets them as one `files: FileFlags`.

    Args:
        command: The function behind the command.
    """

    @_MOUNT
    @_MOUNT_READONLY
    @_OUTPUT_DIR
    @wraps(command)
    def with_files(
        *arguments: Any,
        mounts: tuple[str, ...],
        mount_readonly: bool,
        output_dir: str | None,
        **others: Any,
    ) -> Any:
        files = FileFlags(
            mounts=mounts, mount_readonly=mount_readonly, output_dir=output_dir
        )
        return command(*arguments, files=files, **others)

    return with_files
