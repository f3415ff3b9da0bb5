"""What a guest can ask of a mount, as data, and which of it could change a file."""

import enum
import functools
from typing import NamedTuple


class Operation(enum.Enum):
    """An operation of `HostDirectory`; the value is the method's name."""

    STAT = "stat"
    LSTAT = "lstat"
    READDIR = "readdir"
    SCAN = "scan"
    READLINK = "readlink"
    STATFS = "statfs"
    OPEN = "open"
    OPEN_AND_READ = "open_and_read"
    OPEN_ENTRIES = "open_entries"
    FSTAT = "fstat"
    PREAD = "pread"
    FSYNC = "fsync"
    CLOSE = "close"
    PWRITE = "pwrite"
    FTRUNCATE = "ftruncate"
    TRUNCATE = "truncate"
    MKDIR = "mkdir"
    RMDIR = "rmdir"
    UNLINK = "unlink"
    RENAME = "rename"
    LINK = "link"
    SYMLINK = "symlink"
    CHMOD = "chmod"
    UTIME = "utime"

    @property
    def mutates(self) -> bool:
        """Whether a read-only mount always refuses it.

        `OPEN` and `OPEN_AND_READ` are refused if one of their flags is in
        `MUTATING_FLAGS`.
        """
        return self in MUTATING_OPERATIONS


MUTATING_OPERATIONS = frozenset(
    {
        Operation.PWRITE,
        Operation.FTRUNCATE,
        Operation.TRUNCATE,
        Operation.MKDIR,
        Operation.RMDIR,
        Operation.UNLINK,
        Operation.RENAME,
        Operation.LINK,
        Operation.SYMLINK,
        Operation.CHMOD,
        Operation.UTIME,
    }
)
"""The operations that a read-only mount always refuses."""


class OpenFlag(enum.Flag):
    """How a file is opened. The numbers are ours: those of systems differ."""

    READ = 1
    WRITE = 2
    APPEND = 4
    """Every write goes to the end, wherever its offset says."""
    CREATE = 8
    EXCLUSIVE = 16
    """With CREATE: the file must be new."""
    TRUNCATE = 32
    NOFOLLOW = 64
    """Fail on a symlink in the last place."""
    DIRECTORY = 128
    """Fail unless it is a directory."""


MUTATING_FLAGS = (
    OpenFlag.WRITE
    | OpenFlag.APPEND
    | OpenFlag.CREATE
    | OpenFlag.EXCLUSIVE
    | OpenFlag.TRUNCATE
)
"""The flags of `OPEN` and `OPEN_AND_READ` that a read-only mount refuses."""


class OpenMode(NamedTuple):
    """What flags mean, worked out once: arithmetic with `enum.Flag` is slow.

    Attributes:
        reads: Whether the file can be read.
        writes: Whether it can be written.
        appends: Whether every write goes to the end.
        creates: Whether a file that is missing is made.
        must_be_new: Whether it has to be missing.
        truncates: Whether it is emptied.
        follows: Whether a symlink in the last place is followed.
        needs_directory: Whether it has to be a directory.
        mutates: Whether a read-only mount refuses it.
        means_something: False for flags that contradict each other.
    """

    reads: bool
    writes: bool
    appends: bool
    creates: bool
    must_be_new: bool
    truncates: bool
    follows: bool
    needs_directory: bool
    mutates: bool
    means_something: bool


@functools.cache
def mode_of(flags: OpenFlag) -> OpenMode:
    """Return what flags mean. There are 256 combinations, each kept for ever."""
    reads, writes = OpenFlag.READ in flags, OpenFlag.WRITE in flags
    truncates = OpenFlag.TRUNCATE in flags
    must_be_new = OpenFlag.CREATE | OpenFlag.EXCLUSIVE in flags
    return OpenMode(
        reads=reads,
        writes=writes,
        appends=OpenFlag.APPEND in flags,
        creates=OpenFlag.CREATE in flags,
        must_be_new=must_be_new,
        truncates=truncates,
        follows=not (must_be_new or OpenFlag.NOFOLLOW in flags),
        needs_directory=OpenFlag.DIRECTORY in flags,
        mutates=bool(flags & MUTATING_FLAGS),
        # Systems disagree on truncating what is not written to, and none needs it.
        means_something=(reads or writes) and (writes or not truncates),
    )
