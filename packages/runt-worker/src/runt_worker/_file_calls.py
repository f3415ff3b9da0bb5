"""The guest's calls for files, answered by `runt_vfs` under its rules.

Every parameter comes from the sandbox: it is parsed into exact types, and a path means
something only to the mount that it names.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from runt_vfs import (
    FileStat,
    GuestPath,
    HostDirectory,
    HostError,
    OpenFlag,
    VfsError,
)
from runt_worker._calls import Answer, Call, Handler

_HEAD_BYTES = 64 * 1024
"""So much of a file comes with its opening: most files are read whole by that."""

_MAX_READ_BYTES = 4 * 1024 * 1024
_MAX_INODE = 2**53 - 1
"""What a number of JavaScript holds exactly."""

_STAND_INS = {0xDC80 + byte: 0xF780 + byte for byte in range(128)}
"""For bytes of a name that are no UTF-8: neither JSON nor JavaScript has them.

`runt_vfs` shows such a byte as a lone surrogate; the guest sees a character of the
private use area, which leads back to the same file.
"""
_BYTES = {stand_in: surrogate for surrogate, stand_in in _STAND_INS.items()}

_ACCESS_MODES = (OpenFlag.READ, OpenFlag.WRITE, OpenFlag.READ | OpenFlag.WRITE)
"""By O_RDONLY, O_WRONLY and O_RDWR of the guest."""

Count = Annotated[int, msgspec.Meta(ge=0)]
Milliseconds = Annotated[float, msgspec.Meta(ge=-(2.0**53), le=2.0**53)]
"""A time since 1970, as far as a number of JavaScript counts whole ones."""


class _Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What every call names: the number of a mount."""

    mount: Count


class _Path(_Parameters, frozen=True, kw_only=True):
    path: str


class _Open(_Path, frozen=True, kw_only=True):
    access: Annotated[int, msgspec.Meta(ge=0, le=2)]
    append: bool


class _MakeDirectory(_Path, frozen=True, kw_only=True):
    mode: Count


class _Rename(_Path, frozen=True, kw_only=True):
    new_path: str


class _Symlink(_Path, frozen=True, kw_only=True):
    target: str


class _SetAttributes(_Path, frozen=True, kw_only=True):
    """What is absent stays."""

    mode: Count | None = None
    size: Count | None = None
    atime: Milliseconds | None = None
    mtime: Milliseconds | None = None


class _Handle(_Parameters, frozen=True, kw_only=True):
    handle: int


class _Read(_Handle, frozen=True, kw_only=True):
    offset: Count
    length: Annotated[int, msgspec.Meta(ge=0, le=_MAX_READ_BYTES)]


class _Write(_Handle, frozen=True, kw_only=True):
    offset: Count


class _Truncate(_Handle, frozen=True, kw_only=True):
    size: Count


ParametersT = TypeVar("ParametersT", bound=_Parameters)
_Answerer = Callable[[HostDirectory, Call], Answer]


class FileCalls:
    """Answers calls for the files of some mounts.

    Args:
        directories: the mounts, in the order of their numbers.
    """

    def __init__(self, directories: Sequence[HostDirectory]) -> None:
        self._directories = tuple(directories)

    def handlers(self) -> dict[str, Handler]:
        """Return who answers which method."""
        return dict.fromkeys(ANSWERERS, self)

    def __call__(self, call: Call) -> Answer:
        """Answer one call; a refusal is the ``code`` of an errno."""
        try:
            mount = msgspec.convert(call.parameters, _Parameters).mount
            directory = self._directories[mount]
            return ANSWERERS[call.method](directory, call)
        except VfsError as error:
            return Answer({"code": error.code})
        except (msgspec.ValidationError, LookupError):
            return Answer({"code": "EINVAL"})


def _lstat(directory: HostDirectory, call: Call) -> Answer:
    path = _path(_parse(call, _Path))
    return Answer({"attributes": _attributes(directory.lstat(path))})


def _readdir(directory: HostDirectory, call: Call) -> Answer:
    entries = directory.readdir(_path(_parse(call, _Path)))
    return Answer(
        {"entries": [[_to_guest(e.name), _attributes(e.stat)] for e in entries]}
    )


def _readlink(directory: HostDirectory, call: Call) -> Answer:
    path = _path(_parse(call, _Path))
    target = directory.readlink(path)
    # The guest follows the text by itself, among its own files: what leads out of the
    # mount must be refused here. A link to nothing leads nowhere.
    with contextlib.suppress(HostError):
        directory.stat(path)
    return Answer({"target": _to_guest(target)})


def _open(directory: HostDirectory, call: Call) -> Answer:
    wanted = _parse(call, _Open)
    flags = _ACCESS_MODES[wanted.access]
    if wanted.append:
        flags |= OpenFlag.APPEND
    handle = directory.open(_path(wanted), flags)
    head = b""
    if OpenFlag.READ in flags:
        head = directory.pread(handle, _HEAD_BYTES, 0)
    attributes = _attributes(directory.fstat(handle))
    return Answer({"handle": handle, "attributes": attributes}, head)


def _create(directory: HostDirectory, call: Call) -> Answer:
    flags = OpenFlag.WRITE | OpenFlag.CREATE | OpenFlag.EXCLUSIVE
    directory.close(directory.open(_path(_parse(call, _Path)), flags))
    return Answer({})


def _fstat(directory: HostDirectory, call: Call) -> Answer:
    found = directory.fstat(_parse(call, _Handle).handle)
    return Answer({"attributes": _attributes(found)})


def _read(directory: HostDirectory, call: Call) -> Answer:
    wanted = _parse(call, _Read)
    data = directory.pread(wanted.handle, wanted.length, wanted.offset)
    return Answer({}, data)


def _write(directory: HostDirectory, call: Call) -> Answer:
    wanted = _parse(call, _Write)
    data = memoryview(call.tail)
    while data:
        written = len(call.tail) - len(data)
        count = directory.pwrite(wanted.handle, data, wanted.offset + written)
        data = data[count:]
    return Answer({})


def _truncate(directory: HostDirectory, call: Call) -> Answer:
    wanted = _parse(call, _Truncate)
    directory.ftruncate(wanted.handle, wanted.size)
    return Answer({})


def _fsync(directory: HostDirectory, call: Call) -> Answer:
    directory.fsync(_parse(call, _Handle).handle)
    return Answer({})


def _close(directory: HostDirectory, call: Call) -> Answer:
    directory.close(_parse(call, _Handle).handle)
    return Answer({})


def _setattr(directory: HostDirectory, call: Call) -> Answer:
    changes = _parse(call, _SetAttributes)
    path = _path(changes)
    if changes.size is not None:
        directory.truncate(path, changes.size)
    if changes.mode is not None:
        directory.chmod(path, changes.mode)
    if changes.atime is not None or changes.mtime is not None:
        before = directory.stat(path)
        directory.utime(
            path,
            _nanoseconds(changes.atime, before.atime_ns),
            _nanoseconds(changes.mtime, before.mtime_ns),
        )
    return Answer({})


def _mkdir(directory: HostDirectory, call: Call) -> Answer:
    wanted = _parse(call, _MakeDirectory)
    directory.mkdir(_path(wanted), wanted.mode)
    return Answer({})


def _rmdir(directory: HostDirectory, call: Call) -> Answer:
    directory.rmdir(_path(_parse(call, _Path)))
    return Answer({})


def _unlink(directory: HostDirectory, call: Call) -> Answer:
    directory.unlink(_path(_parse(call, _Path)))
    return Answer({})


def _rename(directory: HostDirectory, call: Call) -> Answer:
    wanted = _parse(call, _Rename)
    directory.rename(_path(wanted), GuestPath.parse(_from_guest(wanted.new_path)))
    return Answer({})


def _symlink(directory: HostDirectory, call: Call) -> Answer:
    wanted = _parse(call, _Symlink)
    directory.symlink(_from_guest(wanted.target), _path(wanted))
    return Answer({})


def _statfs(directory: HostDirectory, call: Call) -> Answer:
    _parse(call, _Parameters)
    found = directory.statfs()
    return Answer(
        {
            "statistics": {
                "bsize": found.block_size,
                "frsize": found.block_size,
                "blocks": found.blocks,
                "bfree": found.free_blocks,
                "bavail": found.available_blocks,
                "files": found.files,
                "ffree": found.free_files,
                "namelen": found.max_name_bytes,
            }
        }
    )


ANSWERERS: dict[str, _Answerer] = {
    "close": _close,
    "create": _create,
    "fstat": _fstat,
    "fsync": _fsync,
    "lstat": _lstat,
    "mkdir": _mkdir,
    "open": _open,
    "read": _read,
    "readdir": _readdir,
    "readlink": _readlink,
    "rename": _rename,
    "rmdir": _rmdir,
    "setattr": _setattr,
    "statfs": _statfs,
    "symlink": _symlink,
    "truncate": _truncate,
    "unlink": _unlink,
    "write": _write,
}
"""The calls for files, by method."""


def _parse(call: Call, kind: type[ParametersT]) -> ParametersT:
    return msgspec.convert(call.parameters, kind)


def _path(parameters: _Path) -> GuestPath:
    return GuestPath.parse(_from_guest(parameters.path))


def _to_guest(name: str) -> str:
    return name.translate(_STAND_INS)


def _from_guest(name: str) -> str:
    return name.translate(_BYTES)


def _attributes(found: FileStat) -> dict[str, Any]:
    return {
        "ino": found.inode & _MAX_INODE,
        "mode": found.mode,
        "nlink": found.links,
        "size": found.size,
        "blocks": found.blocks,
        "atime": found.atime_ns / 1e6,
        "mtime": found.mtime_ns / 1e6,
        "ctime": found.ctime_ns / 1e6,
    }


def _nanoseconds(milliseconds: float | None, otherwise: int) -> int:
    if milliseconds is None:
        return otherwise
    return int(milliseconds * 1e6)
