"""The guest's calls for files, answered by `runt_vfs` under its rules.

Every parameter comes from the sandbox: it is parsed into exact types, and a path means
something only to the mount that it names.
"""

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from runt_vfs import (
    DirectoryEntry,
    FileStat,
    GuestPath,
    HostDirectory,
    HostError,
    OpenedFile,
    OpenFlag,
    VfsError,
)
from runt_worker._calls import Answer, Call, Handler, parse_parameters
from runt_worker._file_parameters import (
    Close,
    ListMore,
    MakeDirectory,
    OfHandle,
    OfPath,
    Open,
    Parameters,
    Read,
    Rename,
    SetAttributes,
    Symlink,
    Truncate,
    Write,
)
from runt_worker._mount_session import MountSession

_PAGES_BYTES = 64 * 1024
"""From here on moving pages costs less than copying them twice."""

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

_CREATE = OpenFlag.READ | OpenFlag.WRITE | OpenFlag.CREATE | OpenFlag.EXCLUSIVE

ParametersT = TypeVar("ParametersT", bound=Parameters)


class FileCalls:
    """Answers the calls of one guest for files of some mounts.

    Args:
        directories: the mounts, in the order of their numbers.
    """

    def __init__(self, directories: Sequence[HostDirectory]) -> None:
        self._mounts = tuple(MountSession(directory) for directory in directories)

    def handlers(self) -> dict[str, Handler]:
        """Return who answers which method."""
        return dict.fromkeys(ANSWERERS, self)

    def close(self) -> None:
        """Close whatever the guest has left open."""
        for mount in self._mounts:
            mount.close()

    def __call__(self, call: Call) -> Answer:
        """Answer one call; a refusal is the ``code`` of an errno."""
        try:
            return ANSWERERS[call.method].answer(self._mounts, call)
        except VfsError as error:
            return Answer({"code": error.code})
        except (msgspec.ValidationError, LookupError):
            return Answer({"code": "EINVAL"})


@dataclass(frozen=True)
class _Answerer(Generic[ParametersT]):
    """Answers one method.

    Attributes:
        kind: its parameters.
        function: what it does.
    """

    kind: type[ParametersT]
    function: Callable[[MountSession, ParametersT, memoryview], Answer]

    def answer(self, mounts: Sequence[MountSession], call: Call) -> Answer:
        wanted = parse_parameters(call, self.kind)
        return self.function(mounts[wanted.mount], wanted, call.tail)


def _lstat(mount: MountSession, wanted: OfPath, _tail: memoryview) -> Answer:
    return Answer({"attributes": _attributes(mount.directory.lstat(_path(wanted)))})


def _readdir(mount: MountSession, wanted: OfPath, _tail: memoryview) -> Answer:
    return _page(*mount.list_entries(_path(wanted)))


def _readdir_more(mount: MountSession, wanted: ListMore, _tail: memoryview) -> Answer:
    return _page(*mount.list_more(wanted.listing))


def _readlink(mount: MountSession, wanted: OfPath, _tail: memoryview) -> Answer:
    path = _path(wanted)
    target = mount.directory.readlink(path)
    # The guest follows the text by itself, among its own files: what leads out of the
    # mount must be refused here. A link to nothing leads nowhere.
    with contextlib.suppress(HostError):
        mount.directory.stat(path)
    return Answer({"target": _to_guest(target)})


def _open(mount: MountSession, wanted: Open, _tail: memoryview) -> Answer:
    flags = _ACCESS_MODES[wanted.access]
    if wanted.append:
        flags |= OpenFlag.APPEND
    path = _path(wanted)
    opened = mount.open(path, flags)
    if not wanted.ahead:
        undo = functools.partial(mount.close_files, [opened.handle])
        return Answer(_file(opened), opened.head, undo=undo)
    ahead = mount.open_ahead(path.parent, [_from_guest(name) for name in wanted.ahead])
    files = [opened, *(file for file in ahead if file)]
    return Answer(
        {**_file(opened), "ahead": [_file_ahead(file) for file in ahead]},
        b"".join(file.head for file in files),
        undo=functools.partial(mount.close_files, [file.handle for file in files]),
    )


def _create(mount: MountSession, wanted: OfPath, _tail: memoryview) -> Answer:
    created = mount.open(_path(wanted), _CREATE)
    undo = functools.partial(mount.close_files, [created.handle])
    return Answer(_file(created), undo=undo)


def _fstat(mount: MountSession, wanted: OfHandle, _tail: memoryview) -> Answer:
    return Answer({"attributes": _attributes(mount.directory.fstat(wanted.handle))})


def _read(mount: MountSession, wanted: Read, _tail: memoryview) -> Answer:
    handle, length, offset = wanted.handle, wanted.length, wanted.offset
    if length < _PAGES_BYTES:
        return Answer({}, mount.directory.pread(handle, length, offset))
    moved = mount.pipe.fill(mount.directory, handle, length, offset)
    # The pipe may be full, the file at its end, or one of those that must be copied.
    rest = mount.directory.pread(handle, length - moved, offset + moved)
    return Answer({}, rest, mount.pipe)


def _write(mount: MountSession, wanted: Write, tail: memoryview) -> Answer:
    written = 0
    while written < len(tail):
        at = wanted.offset + written
        written += mount.directory.pwrite(wanted.handle, tail[written:], at)
    return Answer({})


def _truncate(mount: MountSession, wanted: Truncate, _tail: memoryview) -> Answer:
    mount.directory.ftruncate(wanted.handle, wanted.size)
    return Answer({})


def _fsync(mount: MountSession, wanted: OfHandle, _tail: memoryview) -> Answer:
    mount.directory.fsync(wanted.handle)
    return Answer({})


def _close(mount: MountSession, wanted: Close, _tail: memoryview) -> Answer:
    mount.close_files(wanted.handles)
    return Answer({})


def _setattr(mount: MountSession, wanted: SetAttributes, _tail: memoryview) -> Answer:
    directory, path = mount.directory, _path(wanted)
    if wanted.size is not None:
        directory.truncate(path, wanted.size)
    if wanted.mode is not None:
        directory.chmod(path, wanted.mode)
    if wanted.atime is not None or wanted.mtime is not None:
        before = directory.stat(path)
        directory.utime(
            path,
            _nanoseconds(wanted.atime, before.atime_ns),
            _nanoseconds(wanted.mtime, before.mtime_ns),
        )
    return Answer({"attributes": _attributes(directory.lstat(path))})


def _mkdir(mount: MountSession, wanted: MakeDirectory, _tail: memoryview) -> Answer:
    mount.directory.mkdir(_path(wanted), wanted.mode)
    return Answer({})


def _rmdir(mount: MountSession, wanted: OfPath, _tail: memoryview) -> Answer:
    mount.directory.rmdir(_path(wanted))
    return Answer({})


def _unlink(mount: MountSession, wanted: OfPath, _tail: memoryview) -> Answer:
    mount.directory.unlink(_path(wanted))
    return Answer({})


def _rename(mount: MountSession, wanted: Rename, _tail: memoryview) -> Answer:
    new_path = GuestPath.parse(_from_guest(wanted.new_path))
    mount.directory.rename(_path(wanted), new_path)
    return Answer({})


def _symlink(mount: MountSession, wanted: Symlink, _tail: memoryview) -> Answer:
    mount.directory.symlink(_from_guest(wanted.target), _path(wanted))
    return Answer({})


def _statfs(mount: MountSession, _wanted: Parameters, _tail: memoryview) -> Answer:
    found = mount.directory.statfs()
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


ANSWERERS: dict[str, _Answerer[Any]] = {
    "close": _Answerer(Close, _close),
    "create": _Answerer(OfPath, _create),
    "fstat": _Answerer(OfHandle, _fstat),
    "fsync": _Answerer(OfHandle, _fsync),
    "lstat": _Answerer(OfPath, _lstat),
    "mkdir": _Answerer(MakeDirectory, _mkdir),
    "open": _Answerer(Open, _open),
    "read": _Answerer(Read, _read),
    "readdir": _Answerer(OfPath, _readdir),
    "readdir_more": _Answerer(ListMore, _readdir_more),
    "readlink": _Answerer(OfPath, _readlink),
    "rename": _Answerer(Rename, _rename),
    "rmdir": _Answerer(OfPath, _rmdir),
    "setattr": _Answerer(SetAttributes, _setattr),
    "statfs": _Answerer(Parameters, _statfs),
    "symlink": _Answerer(Symlink, _symlink),
    "truncate": _Answerer(Truncate, _truncate),
    "unlink": _Answerer(OfPath, _unlink),
    "write": _Answerer(Write, _write),
}
"""The calls for files, by method."""


def _path(parameters: OfPath) -> GuestPath:
    return GuestPath.parse(_from_guest(parameters.path))


def _to_guest(name: str) -> str:
    return name if name.isascii() else name.translate(_STAND_INS)


def _from_guest(name: str) -> str:
    return name if name.isascii() else name.translate(_BYTES)


def _file(opened: OpenedFile) -> dict[str, Any]:
    return {"handle": opened.handle, "attributes": _attributes(opened.stat)}


def _file_ahead(opened: OpenedFile | None) -> list[Any] | None:
    if opened is None:
        return None
    return [opened.handle, len(opened.head), _attributes(opened.stat)]


def _page(entries: list[DirectoryEntry], more: int | None) -> Answer:
    sent = [[_to_guest(name), _attributes(found)] for name, found in entries]
    return Answer({"entries": sent, "more": more})


def _attributes(found: FileStat) -> list[int | float]:
    """Return attributes in the order that ``deno/file_client.ts`` knows."""
    return [
        found.inode & _MAX_INODE,
        found.mode,
        found.links,
        found.size,
        found.blocks,
        found.atime_ns / 1e6,
        found.mtime_ns / 1e6,
        found.ctime_ns / 1e6,
    ]


def _nanoseconds(milliseconds: float | None, otherwise: int) -> int:
    if milliseconds is None:
        return otherwise
    return int(milliseconds * 1e6)
