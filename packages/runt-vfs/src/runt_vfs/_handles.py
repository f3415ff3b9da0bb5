"""The files that a guest has open, by numbers of ours."""

import errno
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from . import _system
from ._errors import LimitError, RequestError
from ._operations import OpenFlag


@dataclass(kw_only=True)
class OpenFile:
    """A file that is open.

    Attributes:
        descriptor: The system's number for it.
        flags: How it was opened.
        users: Who holds the descriptor: the table, and each call under way.
    """

    descriptor: int
    flags: OpenFlag
    users: int = 1


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
                    descriptor=descriptor, flags=flags
                )
                return self._last_handle
        _system.close(descriptor)
        raise LimitError(errno.EMFILE, "Too many files are open in this mount")

    @contextmanager
    def use(self, handle: int) -> Generator[OpenFile]:
        """Hold a file open while a call uses it.

        Raises:
            RequestError: EBADF, there is no such handle.
        """
        with self._lock:
            file = self._files.get(handle)
            if file is None:
                raise RequestError(errno.EBADF)
            file.users += 1
        try:
            yield file
        finally:
            self._release(file)

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
        self._release(file)

    def close_all(self) -> None:
        """Forget all handles."""
        for handle in list(self._files):
            self.close(handle)

    def _release(self, file: OpenFile) -> None:
        with self._lock:
            file.users -= 1
            last = file.users == 0
        if last:
            _system.close(file.descriptor)
