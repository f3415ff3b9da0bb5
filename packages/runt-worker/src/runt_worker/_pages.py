"""Bytes on their way from a file to the guest, without a copy where Linux can."""

import fcntl
import os
from contextlib import suppress

from runt_vfs import HostDirectory

PIPE_BYTES = 1024 * 1024
"""Room of a pipe: what Linux lets every user have (/proc/sys/fs/pipe-max-size)."""


class PagePipe:
    """A pipe that holds one read of a file until the guest takes it.

    The number of bytes must be said before the first of them, and only what is in a
    pipe already cannot be cut off meanwhile by somebody who truncates the file.
    """

    def __init__(self) -> None:
        self._receiver, self._sender = os.pipe()
        for end in (self._receiver, self._sender):
            os.set_blocking(end, False)
        enlarge(self._sender)
        self._held = 0

    def __len__(self) -> int:
        return self._held

    def fill(
        self, directory: HostDirectory, handle: int, size: int, offset: int
    ) -> int:
        """Take a part of a file and return how many bytes that are.

        Raises:
            VfsError: As `HostDirectory.splice` does.
        """
        self.discard()
        self._held = directory.splice(handle, self._sender, size, offset)
        return self._held

    def send(self, descriptor: int) -> None:
        """Move what is held, or a part of it, to another pipe.

        Raises:
            BlockingIOError: it has no room.
        """
        self._held -= os.splice(
            self._receiver, descriptor, self._held, flags=os.SPLICE_F_NONBLOCK
        )

    def discard(self) -> None:
        """Forget what is held: nobody waits for it any more."""
        while self._held:
            self._held -= len(os.read(self._receiver, self._held))

    def close(self) -> None:
        """Let go of both ends."""
        os.close(self._receiver)
        os.close(self._sender)


def enlarge(pipe: int) -> None:
    """Give a pipe room for a large read; without it, reading is slower."""
    # A user may have many large pipes already, and other systems fix the size.
    with suppress(OSError, AttributeError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
