"""What one guest holds of one mount: open files, begun listings, a pipe."""

import itertools
from collections.abc import Sequence
from contextlib import suppress

from runt_vfs import (
    DirectoryEntry,
    GuestPath,
    HostDirectory,
    Listing,
    OpenedFile,
    OpenFlag,
    VfsError,
)
from runt_worker._pages import PagePipe

_HEAD_BYTES = 64 * 1024
"""So much of a file comes with its opening: most files are read whole by that."""

_PAGE_ENTRIES = 4096
"""So many entries of a directory come at once: less than a megabyte of usual names."""

_MAX_LISTINGS = 8
"""So many listings may be begun; the oldest of more is forgotten. The guest begins one
at a time and reads it to its end, if nothing interrupts it."""


class MountSession:
    """Ends with its guest, which may have left anything open.

    Args:
        directory: the mount.
    """

    def __init__(self, directory: HostDirectory) -> None:
        self.directory = directory
        self._handles: set[int] = set()
        self._listings: dict[int, Listing] = {}
        self._last_listing = 0
        self._pipe: PagePipe | None = None

    @property
    def pipe(self) -> PagePipe:
        """The pipe for large reads; most mounts never need one."""
        if self._pipe is None:
            self._pipe = PagePipe()
        return self._pipe

    def open(self, path: GuestPath, flags: OpenFlag) -> OpenedFile:
        """Open a file.

        Raises:
            VfsError: As `HostDirectory.open_and_read`.
        """
        opened = self.directory.open_and_read(path, flags, _HEAD_BYTES)
        self._handles.add(opened.handle)
        return opened

    def open_ahead(
        self, directory: GuestPath, names: Sequence[str]
    ) -> list[OpenedFile | None]:
        """Open files that the guest has not asked for yet, as far as that works."""
        try:
            files = self.directory.open_entries(directory, names, _HEAD_BYTES)
        except VfsError:
            return []  # the guest asks again when it wants one, and hears why not
        self._handles.update(file.handle for file in files if file)
        return files

    def close_files(self, handles: Sequence[int]) -> None:
        """Close files; numbers of none mean nothing."""
        self._handles.difference_update(handles)
        for handle in handles:
            # What could fail was reported by the writes before.
            with suppress(VfsError):
                self.directory.close(handle)

    def list_entries(self, path: GuestPath) -> tuple[list[DirectoryEntry], int | None]:
        """Return the first entries of a directory, and the number of the rest.

        Raises:
            VfsError: As `HostDirectory.scan`.
        """
        return self._page(self.directory.scan(path))

    def list_more(self, listing: int) -> tuple[list[DirectoryEntry], int | None]:
        """Return what follows, and the number of the rest; None at the end.

        Raises:
            LookupError: There is no listing of that number.
            VfsError: The directory cannot be read.
        """
        return self._page(self._listings.pop(listing))

    def close(self) -> None:
        """Let go of everything."""
        for listing in self._listings.values():
            listing.close()
        self._listings.clear()
        self.close_files(list(self._handles))
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _page(self, listing: Listing) -> tuple[list[DirectoryEntry], int | None]:
        try:
            entries = list(itertools.islice(listing, _PAGE_ENTRIES))
        except VfsError:
            listing.close()
            raise
        if len(entries) < _PAGE_ENTRIES:
            listing.close()
            return entries, None
        self._last_listing += 1
        self._listings[self._last_listing] = listing
        if len(self._listings) > _MAX_LISTINGS:
            self._listings.pop(next(iter(self._listings))).close()
        return entries, self._last_listing
