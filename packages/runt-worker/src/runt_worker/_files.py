"""The files of a sandbox: mounted host directories, and ``/outputs``."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from runt_vfs import (
    DuplicateMountError,
    HostDirectory,
    Limits,
    MountTable,
    OutputMirror,
    open_host_directory,
)
from runt_worker._descriptors import share_out
from runt_worker._errors import MountError
from runt_worker._private_directory import private_directory
from runt_worker._requests import GuestMount

OUTPUTS = "/outputs"
"""Where cells leave files for the host."""


@dataclass(frozen=True, kw_only=True)
class HostMount:
    """A directory of the host for the sandbox.

    Attributes:
        host_path: the directory.
        allow_writes: whether cells may change what is in it.
    """

    host_path: Path
    allow_writes: bool = False


@dataclass(frozen=True, kw_only=True)
class SandboxFiles:
    """What a sandbox has of files, for as long as `open_files` is open.

    Attributes:
        mounts: where the guest finds them, by their numbers.
        directories: the host's side of them, by the same numbers.
        mirror: brings the output directory up to date, if there is one.
    """

    mounts: tuple[GuestMount, ...]
    directories: tuple[HostDirectory, ...]
    mirror: OutputMirror | None


@contextmanager
def open_files(
    mounts: Sequence[HostMount], output_dir: Path | None
) -> Generator[SandboxFiles]:
    """Open host directories for a sandbox; ``/outputs`` begins empty.

    Args:
        mounts: the directories, in the order that decides their names.
        output_dir: what ``/outputs`` is copied to; made if it does not exist.

    Raises:
        MountError: one is missing, no directory, unreadable or given twice; one that
            is read-only lies in a writable one or in the output directory, or the
            output directory in it.
    """
    table = mount_table(mounts)
    _check_places(mounts, output_dir)
    if output_dir is not None:
        _make_output_dir(output_dir)
    with ExitStack() as stack:
        # On the host's disk, so that what a cell wrote survives a killed sandbox.
        staging = stack.enter_context(private_directory("outputs")) / "files"
        staging.mkdir()
        every = (*mounts, HostMount(host_path=staging, allow_writes=True))
        limits = Limits(max_open_files=share_out(len(every)))
        directories = [stack.enter_context(_open(mount, limits)) for mount in every]
        guests = [
            GuestMount(guest_path=str(mount.guest_path), alias=mount.alias)
            for mount in table.mounts
        ]
        yield SandboxFiles(
            mounts=(*guests, GuestMount(guest_path=OUTPUTS, alias=None)),
            directories=tuple(directories),
            mirror=None if output_dir is None else OutputMirror(staging, output_dir),
        )


def mount_table(mounts: Sequence[HostMount]) -> MountTable:
    """Return where each directory will be found.

    Raises:
        MountError: one is given twice.
    """
    try:
        return MountTable(mount.host_path for mount in mounts)
    except DuplicateMountError as error:
        raise MountError(str(error)) from error


def _open(mount: HostMount, limits: Limits) -> HostDirectory:
    try:
        return open_host_directory(
            mount.host_path, allow_writes=mount.allow_writes, limits=limits
        )
    except OSError as error:
        raise MountError(f"cannot mount {mount.host_path}: {error.strerror}") from error


def _check_places(mounts: Sequence[HostMount], output_dir: Path | None) -> None:
    """Refuse what would let a read-only directory be changed another way."""
    writable = [mount.host_path.resolve() for mount in mounts if mount.allow_writes]
    output = [] if output_dir is None else [output_dir.resolve()]
    for mount in mounts:
        if mount.allow_writes:
            continue
        real = mount.host_path.resolve()
        if any(real.is_relative_to(place) for place in [*writable, *output]):
            raise MountError(
                f"{mount.host_path} is mounted read-only, but also lies in a directory "
                "that cells can write to; mount them apart"
            )
        if any(place.is_relative_to(real) for place in output):
            raise MountError(
                f"the output directory {output_dir} lies in {mount.host_path}, "
                "which is mounted read-only; choose one outside of it"
            )


def _make_output_dir(output_dir: Path) -> None:
    try:
        output_dir.resolve().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MountError(f"cannot make {output_dir}: {error.strerror}") from error
