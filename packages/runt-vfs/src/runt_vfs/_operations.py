"""What a guest can ask of a mount, as data, and which of it could change a file."""

import enum


class Operation(enum.Enum):
    """An operation of `HostDirectory`; the value is the method's name."""

    STAT = "stat"
    LSTAT = "lstat"
    READDIR = "readdir"
    READLINK = "readlink"
    STATFS = "statfs"
    OPEN = "open"
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

        `OPEN` is refused if one of its flags is in `MUTATING_FLAGS`.
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
"""The flags of `OPEN` that a read-only mount refuses."""
