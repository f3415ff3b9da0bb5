"""The files that a guest has open, by numbers of ours."""

import errno
import threading
from dataclasses import dataclass
from types import TracebackType

from . import _system
from ._errors import LimitError, RequestError
from ._operations import OpenFlag, OpenMode, mode_of


@dataclass(kw_only=True, slots=True)
class OpenFile:
    """A file that is open.

    Attributes:
        descriptor: The system's number for it.
        mode: How it was opened.
        users: Who holds the descriptor: the table, and each call under way.
    """

    descriptor: int
    mode: OpenMode
    users: int = 1


class _Use:
    """Holds a file open for the length of a block. Made by `HandleTable.use` only."""

    __slots__ = ("_file", "_handle", "_table")

    def __init__(self, table: "HandleTable", handle: int) -> None:
        self._table = table
        self._handle = handle

    def __enter__(self) -> OpenFile:
        self._file = self._table.hold(self._handle)
        return self._file

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._table.release(self._file)


class HandleTable:
    """Gives open files numbers that are never used twice; safe with threads.

    The system uses a descriptor's number anew at once, so a late request could meet
    another file under it. A handle that is closed stays closed, and its descriptor
    lives until the last call that uses it has ended.

    Args:
        max_open_files: How many may be open at once.
    """

    def __init__(self, max_open_files: int) -> None:
        self._max_open_files = max_open_files
        self._lock = threading.Lock()
        self._files: dict[int, OpenFile] = {}
        self._last_handle = 0

    def add(self, descriptor: int, flags: OpenFlag) -> int:
        """Take over a descriptor and return its handle; it is closed on an error.

        Raises:
            LimitError: EMFILE, too many files are open.
        """
        with self._lock:
            if len(self._files) < self._max_open_files:
                self._last_handle += 1
                self._files[self._last_handle] = OpenFile(
                    descriptor=descriptor, mode=mode_of(flags)
                )
                return self._last_handle
        _system.close(descriptor)
        raise LimitError(errno.EMFILE, "Too many files are open in this mount")

    def use(self, handle: int) -> _Use:
        """Return a context manager that holds a file open while a call uses it.

        Its block begins with RequestError (EBADF) if there is no such handle.
        """
        return _Use(self, handle)

    def hold(self, handle: int) -> OpenFile:
        """Return a file that stays open until it is released.

        Raises:
            RequestError: EBADF, there is no such handle.
        """
        with self._lock:
            file = self._files.get(handle)
            if file is None:
                raise RequestError(errno.EBADF)
            file.users += 1
        return file

    def close(self, handle: int) -> None:
        """Forget a handle.

        Raises:
            RequestError: EBADF, there is no such handle.
            OSError: What the system says of closing the file.
        """
        with self._lock:
            file = self._files.pop(handle, None)
        if file is None:
            raise RequestError(errno.EBADF)
        self.release(file)

    def close_all(self) -> None:
        """Forget all handles."""
        for handle in list(self._files):
            self.close(handle)

    def release(self, file: OpenFile) -> None:
        """Give back what `hold` returned; the last one closes the descriptor."""
        with self._lock:
            file.users -= 1
            last = file.users == 0
        if last:
            _system.close(file.descriptor)
