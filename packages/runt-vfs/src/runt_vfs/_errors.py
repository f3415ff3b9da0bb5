"""The errors of this package, split by who is at fault.

VfsError (an OSError)
├── PolicyError           our no, a PermissionError
│   ├── ReadOnlyError         the mount is read-only
│   ├── LeavesMountError      the path or link leads out of the mount
│   └── SpecialFileError      FIFOs, devices and sockets are never opened
├── HostError             the operating system's no, with its errno
├── RequestError          the guest: a call that means nothing
├── LimitError            a limit of this package
├── NotMountedError       the guest: a path that lies in no mount
├── DuplicateMountError   the caller: a host directory given twice
└── MirrorError           the host: files that could not be copied out
"""

import errno
import os
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


class VfsError(OSError):
    """The base of every error that this package raises on purpose.

    No text and no attribute of it holds a host path, save those of the errors that no
    guest can cause (`DuplicateMountError`).

    Attributes:
        errno: The error's number on this host. Systems number differently, so what
            crosses to a guest is `code`.
        strerror: What happened, in words.
        filename: The guest path, or None where no path is at fault.
    """

    def __init__(
        self, number: int, text: str, guest_path: object | None = None
    ) -> None:
        self._arguments: tuple[Any, ...] = (number, text, guest_path)
        name = None if guest_path is None else str(guest_path)
        super().__init__(number, text, name)

    @property
    def code(self) -> str:
        """The error's symbolic name, such as `"ENOENT"`; the same on every system."""
        return errno.errorcode.get(self.errno or 0, "EIO")

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        # OSError would rebuild itself from its own arguments, not from ours.
        return type(self), self._arguments


class PolicyError(VfsError, PermissionError):
    """The rules of the mount forbid it, whatever the host would say."""

    TEXT = "Not permitted in this mount"

    def __init__(self, guest_path: object | None = None) -> None:
        super().__init__(errno.EACCES, self.TEXT, guest_path)
        self._arguments = (guest_path,)


class ReadOnlyError(PolicyError):
    """The mount is read-only and the operation could change it."""

    TEXT = "This mount is read-only"


class LeavesMountError(PolicyError):
    """A path leads out of the mount, or a link that does would be made."""

    TEXT = "This leads out of the mount"


class SpecialFileError(PolicyError):
    """The file is a FIFO, a device or a socket, which are never opened."""

    TEXT = "Neither a file nor a directory"


class HostError(VfsError):
    """The operating system said no; `errno` is its own."""

    def __init__(self, number: int, guest_path: object | None = None) -> None:
        super().__init__(number, os.strerror(number), guest_path)
        self._arguments = (number, guest_path)


class RequestError(VfsError):
    """The guest asks for what means nothing: a bad path, handle, size or flag."""

    def __init__(self, number: int, guest_path: object | None = None) -> None:
        super().__init__(number, os.strerror(number), guest_path)
        self._arguments = (number, guest_path)


class LimitError(VfsError):
    """A limit of this package is reached; `Limits` gives the reason of each."""


class NotMountedError(VfsError, FileNotFoundError):
    """A virtual path lies in no mount of the table."""

    def __init__(self, guest_path: object) -> None:
        super().__init__(errno.ENOENT, os.strerror(errno.ENOENT), guest_path)
        self._arguments = (guest_path,)


class DuplicateMountError(VfsError, FileExistsError):
    """A host directory is given twice; the path is the host's."""

    def __init__(self, host_path: str) -> None:
        super().__init__(errno.EEXIST, "This directory is mounted twice", host_path)
        self._arguments = (host_path,)


@dataclass(frozen=True)
class MirrorFailure:
    """One file that could not be copied out.

    Attributes:
        guest_path: The file, relative to the output directory.
        error: Why not.
    """

    guest_path: str
    error: VfsError


class MirrorError(VfsError):
    """Some files could not be copied to the output directory.

    Attributes:
        failures: The files and their errors; `errno` is that of the first.
        copied: The files that were copied.
    """

    def __init__(
        self,
        failures: tuple[MirrorFailure, ...],
        copied: tuple[str, ...],
        max_named: int,
    ) -> None:
        self.failures = failures
        self.copied = copied
        named = [
            f"{failure.guest_path} ({failure.error.strerror})"
            for failure in failures[:max_named]
        ]
        if len(failures) > max_named:
            named.append(f"and {len(failures) - max_named:,} more")
        text = f"Not copied to the output directory: {', '.join(named)}"
        super().__init__(failures[0].error.errno or errno.EIO, text)
        self._arguments = (failures, copied, max_named)


class HostErrors:
    """Translates what the operating system raises in a block, here and nowhere else.

    A class, since a generator would cost as much as a system call, each time.

    Args:
        guest_path: The path that the guest named, for the error's text.

    Raises:
        HostError: In place of an OSError that is none of ours. The original would show
            host paths, so it is not kept as the cause either.
        PolicyError: As it came, with the path that the resolver did not know.
    """

    __slots__ = ("_guest_path",)

    def __init__(self, guest_path: object | None) -> None:
        self._guest_path = guest_path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, PolicyError):
            if error.filename is None:
                raise type(error)(self._guest_path) from None
        elif isinstance(error, OSError) and not isinstance(error, VfsError):
            raise HostError(error.errno or errno.EIO, self._guest_path) from None
