"""A directory that is listed piece by piece."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from . import _system
from ._attributes import DirectoryEntry
from ._errors import HostErrors
from ._guest_path import GuestPath


class Listing:
    """The entries of a directory, one after the other; a context manager.

    Made by `HostDirectory.scan`. Entries that come and go meanwhile may be missing or
    not, as POSIX has it.

    Args:
        descriptor: The directory, open for reading; it is taken over.
        guest_path: The directory, for errors.
        read_only: Whether attributes are shown as a read-only mount's.
    """

    def __init__(
        self, descriptor: int, guest_path: GuestPath, *, read_only: bool
    ) -> None:
        self._descriptor = descriptor
        self._entries = _system.scan(descriptor)
        self._guest_path = guest_path
        self._read_only = read_only

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[DirectoryEntry]:
        """Yield the entries that are left.

        Raises:
            HostError: EIO, or EBADF after `close`.
        """
        with HostErrors(self._guest_path):
            for name, found in self._entries:
                yield DirectoryEntry(
                    name, found.as_read_only() if self._read_only else found
                )

    def close(self) -> None:
        """Let go of the directory, at once and for all."""
        if self._descriptor >= 0:
            self._entries.close()
            _system.close(self._descriptor)
            self._descriptor = -1
