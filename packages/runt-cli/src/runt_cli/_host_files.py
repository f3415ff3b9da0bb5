"""The host directories of a sandbox, checked before anything starts.

The worker checks again what it opens. Here a mistake costs no server, download or
process, and its sentence says what to do about it.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import NoReturn

import click

from runt_cli._errors import ConfigurationError
from runt_cli._file_options import FileFlags
from runt_cli._mounts import MountRequest, mount_table, parse_mount, shown
from runt_cli._terminal_text import safe_text
from runt_vfs import Mount
from runt_worker import HostMount


@dataclass(frozen=True, kw_only=True)
class HostFiles:
    """What a sandbox gets of the host's files.

    Attributes:
        mounts: The directories below `/mnt`.
        output_dir: Where `/outputs` is copied to; None: nowhere.
    """

    mounts: tuple[HostMount, ...]
    output_dir: Path | None


def open_host_files(flags: FileFlags) -> HostFiles:
    """Check the directories, make the output directory, and tell of both.

    Args:
        flags: What the command line said.

    Returns:
        What a worker's options take; all paths are absolute.

    Raises:
        ConfigurationError: A directory cannot be what it shall be.
    """
    requests = [parse_mount(text) for text in flags.mounts]
    table = mount_table(requests).mounts
    mounts = tuple(
        _host_mount(request, mount, flags)
        for request, mount in zip(requests, table, strict=True)
    )
    _check_promises(mounts)
    output_dir = None
    if flags.output_dir is not None:
        output_dir = _open_output_dir(flags.output_dir, mounts)
    for mount, place in zip(mounts, table, strict=True):
        mode = "read-write" if mount.allow_writes else "read-only"
        _tell(f"Mounted:   {shown(mount.host_path)} at {place.guest_path}, {mode}")
    if output_dir is not None:
        _tell(f"Outputs:   /outputs is copied to {shown(output_dir)} after each cell")
    return HostFiles(mounts=mounts, output_dir=output_dir)


def _tell(line: str) -> None:
    # Not on standard output, which belongs to the cells.
    click.echo(safe_text(line, color=False), err=True)


def _host_mount(request: MountRequest, mount: Mount, flags: FileFlags) -> HostMount:
    path = Path(mount.host_path)
    if request.allow_writes and flags.mount_readonly:
        _refuse(
            f"{shown(request.host_path)}:rw and --mount-readonly contradict each "
            "other; leave one of them out."
        )
    # The name follows from the words of the path, where `link/..` is nothing.
    if _real(request.host_path) != _real(path):
        _refuse(
            f"{shown(request.host_path)} goes through a link and back by `..`, so it "
            "could mean two directories; give the path of the one you mean."
        )
    _check_readable(path)
    allow_writes = request.allow_writes is not False and not flags.mount_readonly
    return HostMount(host_path=path, allow_writes=allow_writes)


def _check_readable(path: Path) -> None:
    try:
        with os.scandir(path):
            pass
        # To list a directory and to reach what is in it are two permissions.
        os.stat(os.path.join(path, "."))  # noqa: PTH116, PTH118 - Path drops the dot
    except FileNotFoundError:
        _refuse(
            f"{shown(path)} cannot be mounted: it does not exist. "
            f"What exists of this path is {shown(_existing_part(path))}"
        )
    except NotADirectoryError:
        _refuse(
            f"{shown(path)} cannot be mounted: it is no directory. "
            f"Mount the one that it lies in: {shown(path.parent)}"
        )
    except OSError as error:
        _refuse(
            f"{shown(path)} cannot be mounted: {error.strerror}. The user who runs "
            "runt has to be able to list and enter it."
        )


def _existing_part(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.is_dir())


def _check_promises(mounts: tuple[HostMount, ...]) -> None:
    """Refuse a read-only mount that cells could change by way of another mount."""
    for kept in _read_only(mounts):
        for mount in mounts:
            if mount.allow_writes and _is_in(kept.host_path, mount.host_path):
                _refuse(
                    f"{shown(kept.host_path)} cannot be read-only, since it is also "
                    f"a part of {shown(mount.host_path)}, which is mounted read-write; "
                    "mount that one with :ro too, or leave it out."
                )


def _open_output_dir(text: str, mounts: tuple[HostMount, ...]) -> Path:
    if not text:
        _refuse("--output-dir without a path; the working directory would be `.`")
    path = Path(text).absolute()
    for kept in _read_only(mounts):
        if _is_in(path, kept.host_path) or _is_in(kept.host_path, path):
            _refuse(
                f"The output directory {shown(path)} and {shown(kept.host_path)}, "
                "which is mounted read-only, lie in one another; choose an output "
                "directory beside it."
            )
    _make_writable("output", path)
    return path


def open_picture_dir(text: str, mounts: tuple[HostMount, ...]) -> Path:
    """Check and make the directory that a console saves pictures to.

    Args:
        text: What the command line said.
        mounts: What the sandbox sees of the host.

    Returns:
        Its absolute path.

    Raises:
        ConfigurationError: It cannot be written to, or lies in a read-only mount.
    """
    if not text:
        _refuse("--pictures without a path; the working directory would be `.`")
    path = Path(text).absolute()
    for kept in _read_only(mounts):
        if _is_in(path, kept.host_path):
            _refuse(
                f"The picture directory {shown(path)} lies in {shown(kept.host_path)}, "
                "which is mounted read-only; choose one outside of it."
            )
    _make_writable("picture", path)
    return path


def _make_writable(what: str, path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except (FileExistsError, NotADirectoryError):
        _refuse(
            f"The {what} directory {shown(path)} cannot be made: there is a file of "
            "that name in the way. Choose another."
        )
    except OSError as error:
        _refuse(
            f"The {what} directory {shown(path)} cannot be written to: "
            f"{error.strerror}. Choose another."
        )


def _read_only(mounts: tuple[HostMount, ...]) -> list[HostMount]:
    return [mount for mount in mounts if not mount.allow_writes]


def _is_in(path: Path, directory: Path) -> bool:
    # Wherever links lead: what counts is which files could be changed.
    return _real(path).is_relative_to(_real(directory))


def _real(path: str | Path) -> Path:
    # Unlike Path.resolve, this has an answer for a circle of links, too.
    return Path(os.path.realpath(path))


def _refuse(sentence: str) -> NoReturn:
    raise ConfigurationError(sentence)
