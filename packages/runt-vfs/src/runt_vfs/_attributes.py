"""What a guest learns about files, as values."""

import stat
from dataclasses import dataclass
from typing import NamedTuple, Self


class FileStat(NamedTuple):
    """The attributes of a file; owner and group stay on the host.

    A tuple, because one is made for every file of a listing.

    Attributes:
        mode: Type and permission bits, as `st_mode` of POSIX.
        inode: The file's number on its device.
        device: The device's number.
        links: How many names it has.
        size: Bytes; of a symlink, the length of its target.
        blocks: Units of 512 bytes that it takes on the disk.
        atime_ns: Last read, in nanoseconds since 1970.
        mtime_ns: Last change of the content.
        ctime_ns: Last change of content or attributes; no guest can set it.
    """

    mode: int
    inode: int
    device: int
    links: int
    size: int
    blocks: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_symlink(self) -> bool:
        """Whether it is a symlink."""
        return stat.S_ISLNK(self.mode)

    def as_read_only(self) -> Self:
        """Return the attributes as a read-only mount shows them.

        Directories are 0555 and all else 0444, so that `os.access` tells the truth;
        a symlink's bits mean nothing and stay.
        """
        kind = stat.S_IFMT(self.mode)
        if kind == stat.S_IFLNK:
            return self
        bits = 0o555 if kind == stat.S_IFDIR else 0o444
        return type(self)(kind | bits, *self[1:])


class DirectoryEntry(NamedTuple):
    """One line of a listing.

    Attributes:
        name: The entry's name.
        stat: Its own attributes, not those of what a symlink points to.
    """

    name: str
    stat: FileStat


class OpenedFile(NamedTuple):
    """A file that was opened, and what a guest will want to know of it at once.

    Attributes:
        handle: What the other operations know it by.
        stat: Its attributes.
        head: Its first bytes, if it was opened for reading.
    """

    handle: int
    stat: FileStat
    head: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSystemStat:
    """The room on the disk behind a mount, as `statvfs` has it.

    Attributes:
        block_size: Bytes of one block.
        blocks: Blocks that the file system has.
        free_blocks: Blocks that are free.
        available_blocks: Blocks that are free for this user.
        files: Files that the file system can have.
        free_files: Files that can be added.
        max_name_bytes: Length of a name.
        read_only: Whether the mount refuses every change.
    """

    block_size: int
    blocks: int
    free_blocks: int
    available_blocks: int
    files: int
    free_files: int
    max_name_bytes: int
    read_only: bool
