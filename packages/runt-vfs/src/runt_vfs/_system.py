"""The operating system: the only module of this package that touches it.

Each function is one step that can be judged alone: it takes a directory's descriptor
and ONE name below it, and never follows a symlink. What could change a file is a method
of `Writer`, so a mount that holds no `Writer` changes nothing, whatever else is wrong.

All of them raise OSError as the system does; `HostErrors` translates it.
"""

import ctypes
import errno
import functools
import os
import stat
import sys
import time
from collections.abc import Callable, Generator

from ._attributes import FileStat, FileSystemStat
from ._guest_path import decode_name

# Windows lacks most of these; it has names for mounts here and no mounts.
_O_PATH = getattr(os, "O_PATH", os.O_RDONLY)
_O_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
# A file that turns out to be a FIFO must not make us wait, nor a terminal become ours.
_O_SAFE = (
    _O_NOFOLLOW
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)

CAN_HOLD_DIRECTORIES = os.name == "posix"
"""Whether this system resolves names relative to descriptors."""

CAN_SPLICE = hasattr(os, "splice")
"""Whether this system moves pages of a file into a pipe."""

_OPENAT2 = 437  # the same on every architecture that counts as Linux does since 5.1
_OPENAT2_MACHINES = {"x86_64", "aarch64", "riscv64", "ppc64le", "s390x", "loongarch64"}
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08


class _OpenHow(ctypes.Structure):
    # Source: struct open_how of Linux, include/uapi/linux/openat2.h
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_HOW = _OpenHow(
    _O_PATH | _O_DIRECTORY | getattr(os, "O_CLOEXEC", 0),
    0,
    _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS,
)
"""The kernel only reads it, so all threads share one."""


def open_root(host_path: str) -> int:
    """Open a directory of the host by its path; links in it are the user's own."""
    return os.open(host_path, os.O_RDONLY | _O_DIRECTORY | os.O_CLOEXEC)


def open_beneath(root: int, path: bytes) -> int:
    """Open a directory below another by a path whose links stay below it.

    Raises:
        OSError: EXDEV if a link leaves, ELOOP for loops and magic links, EAGAIN if the
            tree changed meanwhile, ENOSYS or EPERM where there is no such call.
    """
    found = _syscall()(_OPENAT2, root, path, _HOW, ctypes.sizeof(_HOW))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(found)


def has_open_beneath(root: int) -> bool:
    """Tell whether the kernel resolves below a directory by itself.

    It may be too old, or a container may forbid the call: trying it is the only answer.
    """
    if sys.platform != "linux" or os.uname().machine not in _OPENAT2_MACHINES:
        return False
    try:
        os.close(open_beneath(root, b"."))
    except OSError:
        return False
    return True


def open_directory(parent: int, name: bytes) -> int:
    """Open a directory to look names up in it; a symlink is an error."""
    flags = _O_PATH | _O_DIRECTORY | _O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, dir_fd=parent)


def open_for_reading(parent: int, name: bytes) -> int:
    """Open a file or directory to read it; a symlink is an error."""
    return os.open(name, os.O_RDONLY | _O_SAFE, dir_fd=parent)


def duplicate(descriptor: int) -> int:
    """Return a second descriptor of the same thing."""
    return os.dup(descriptor)


def close(descriptor: int) -> None:
    """Close a descriptor."""
    os.close(descriptor)


def lstat(parent: int, name: bytes) -> FileStat:
    """Return the attributes of an entry, of a symlink those of the link."""
    return _file_stat(os.stat(name, dir_fd=parent, follow_symlinks=False))


def fstat(descriptor: int) -> FileStat:
    """Return the attributes of what is open."""
    return _file_stat(os.fstat(descriptor))


def readlink(parent: int, name: bytes) -> bytes:
    """Return the target of a symlink."""
    return os.readlink(name, dir_fd=parent)


def scan(directory: int) -> Generator[tuple[str, FileStat]]:
    """List a directory that is open for reading, with the attributes of its entries."""
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                found = _file_stat(entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                continue  # an entry that is gone by now is none
            name = entry.name
            yield name if name.isascii() else decode_name(os.fsencode(name)), found


def pread(descriptor: int, size: int, offset: int) -> bytes:
    """Read at an offset; shorter at the end."""
    return os.pread(descriptor, size, offset)


def splice(descriptor: int, pipe: int, size: int, offset: int) -> int:
    """Move a part of a file into a pipe without copying it (Linux).

    Returns how many bytes that were; fewer if no more fit.

    Raises:
        OSError: Besides the usual, EINVAL for a file system that cannot, or a `pipe`
            that is none: a file there would be changed.
    """
    if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return os.splice(descriptor, pipe, size, offset_src=offset, flags=os.SPLICE_F_MOVE)


def fsync(descriptor: int) -> None:
    """Wait until what was written is on the disk."""
    os.fsync(descriptor)


def statfs(descriptor: int, *, read_only: bool) -> FileSystemStat:
    """Return the room on the file system."""
    found = os.fstatvfs(descriptor)
    return FileSystemStat(
        block_size=found.f_frsize,
        blocks=found.f_blocks,
        free_blocks=found.f_bfree,
        available_blocks=found.f_bavail,
        files=found.f_files,
        free_files=found.f_ffree,
        max_name_bytes=found.f_namemax,
        read_only=read_only,
    )


def now_ns() -> int:
    """Return the time of the clock that dates files."""
    return time.time_ns()


def sleep(seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)


class Writer:
    """Everything that can change a file of the host. Read-only mounts hold none."""

    def open(self, parent: int, name: bytes, *, read: bool, append: bool) -> int:
        """Open a file that is there to write to it; a symlink is an error."""
        return os.open(name, _write_flags(read=read, append=append), dir_fd=parent)

    def create(
        self, parent: int, name: bytes, mode: int, *, read: bool, append: bool
    ) -> int:
        """Create a file that is not there; the umask of this process applies."""
        flags = _write_flags(read=read, append=append) | os.O_CREAT | os.O_EXCL
        return os.open(name, flags, mode, dir_fd=parent)

    def pwrite(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        """Write at an offset, and return how much was written."""
        return os.pwrite(descriptor, data, offset)

    def append(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write to the end, and return how much was written."""
        return os.write(descriptor, data)

    def ftruncate(self, descriptor: int, size: int) -> None:
        """Cut or stretch a file."""
        os.ftruncate(descriptor, size)

    def mkdir(self, parent: int, name: bytes, mode: int) -> None:
        """Make a directory; the umask of this process applies."""
        os.mkdir(name, mode, dir_fd=parent)

    def rmdir(self, parent: int, name: bytes) -> None:
        """Remove an empty directory."""
        os.rmdir(name, dir_fd=parent)

    def unlink(self, parent: int, name: bytes) -> None:
        """Remove a name that is no directory's."""
        os.unlink(name, dir_fd=parent)

    def rename(
        self, parent: int, name: bytes, new_parent: int, new_name: bytes
    ) -> None:
        """Move an entry, in place of what bears the new name."""
        os.replace(name, new_name, src_dir_fd=parent, dst_dir_fd=new_parent)

    def link(self, parent: int, name: bytes, new_parent: int, new_name: bytes) -> None:
        """Give a file a second name; of a symlink, the link gets it."""
        os.link(
            name,
            new_name,
            src_dir_fd=parent,
            dst_dir_fd=new_parent,
            follow_symlinks=False,
        )

    def symlink(self, target: bytes, parent: int, name: bytes) -> None:
        """Make a symlink."""
        os.symlink(target, name, dir_fd=parent)

    def chmod(self, parent: int, name: bytes, mode: int) -> None:
        """Set the permission bits of what is no symlink.

        Raises:
            OSError: Besides the usual, ELOOP for a symlink on Linux.
        """
        if os.chmod in os.supports_follow_symlinks:
            os.chmod(name, mode, dir_fd=parent, follow_symlinks=False)
            return
        # Linux cannot do it in one step. Following the name would go where a link
        # leads that took the file's place just now, so the file is pinned first.
        pinned = os.open(name, _O_PATH | _O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            if stat.S_ISLNK(os.fstat(pinned).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            os.chmod(f"/proc/self/fd/{pinned}", mode)  # noqa: PTH101 - no Path has it
        finally:
            os.close(pinned)

    def utime(self, parent: int, name: bytes, atime_ns: int, mtime_ns: int) -> None:
        """Set the times of an entry, of a symlink those of the link."""
        os.utime(name, ns=(atime_ns, mtime_ns), dir_fd=parent, follow_symlinks=False)


@functools.cache
def _syscall() -> Callable[..., int]:
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    call.argtypes = (
        ctypes.c_long,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.POINTER(_OpenHow),
        ctypes.c_size_t,
    )
    return call


def _write_flags(*, read: bool, append: bool) -> int:
    access = os.O_RDWR if read else os.O_WRONLY
    return access | (os.O_APPEND if append else 0) | _O_SAFE


def _file_stat(found: os.stat_result) -> FileStat:
    return FileStat(
        found.st_mode,
        found.st_ino,
        found.st_dev,
        found.st_nlink,
        found.st_size,
        found.st_blocks,
        found.st_atime_ns,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )
