"""The guest's calls for files, answered by `runt_vfs` under its rules.

Every parameter comes from the sandbox: it is parsed into exact types, and a path means
something only to the mount that it names.
"""

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from runt_vfs import (
    FileStat,
    GuestPath,
    HostDirectory,
    HostError,
    Listing,
    OpenedFile,
    OpenFlag,
    VfsError,
)
from runt_worker._calls import Answer, Call, Handler, parse_parameters
from runt_worker._pages import PagePipe

_HEAD_BYTES = 64 * 1024
"""So much of a file comes with its opening: most files are read whole by that."""

_PAGE_ENTRIES = 4096
"""So many entries of a directory come at once: less than a megabyte of usual names."""

_MAX_LISTINGS = 8
"""So many listings may be begun; the oldest of more is forgotten. The guest begins one
at a time and reads it to its end, if nothing interrupts it."""

_MAX_READ_BYTES = 4 * 1024 * 1024
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

Count = Annotated[int, msgspec.Meta(ge=0)]
Milliseconds = Annotated[float, msgspec.Meta(ge=-(2.0**53), le=2.0**53)]
"""A time since 1970, as far as a number of JavaScript counts whole ones."""


class _Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What every call names: the number of a mount."""

    mount: Count


class _Path(_Parameters, frozen=True, kw_only=True):
    path: str


class _Open(_Path, frozen=True, kw_only=True):
    """A file, and names beside it that are opened for reading along with it."""

    access: Annotated[int, msgspec.Meta(ge=0, le=2)]
    append: bool
    ahead: Annotated[list[str], msgspec.Meta(max_length=64)] = []


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


class _ReadMore(_Parameters, frozen=True, kw_only=True):
    """The rest of a listing, by the number that its last part named."""

    listing: int


class _Handle(_Parameters, frozen=True, kw_only=True):
    handle: int


class _Close(_Parameters, frozen=True, kw_only=True):
    handles: Annotated[list[int], msgspec.Meta(max_length=1024)]


class _Read(_Handle, frozen=True, kw_only=True):
    offset: Count
    length: Annotated[int, msgspec.Meta(ge=0, le=_MAX_READ_BYTES)]


class _Write(_Handle, frozen=True, kw_only=True):
    offset: Count


class _Truncate(_Handle, frozen=True, kw_only=True):
    size: Count


ParametersT = TypeVar("ParametersT", bound=_Parameters)


class FileCalls:
    """Answers the calls of one guest for files of some mounts.

    Args:
        directories: the mounts, in the order of their numbers.
    """

    def __init__(self, directories: Sequence[HostDirectory]) -> None:
        self._mounts = tuple(_Mount(directory) for directory in directories)

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


class _Mount:
    """What one guest has of one mount: the directory, and the files it has open."""

    def __init__(self, directory: HostDirectory) -> None:
        self.directory = directory
        self.handles: set[int] = set()
        self.listings: dict[int, Listing] = {}
        self._last_listing = 0
        self._pipe: PagePipe | None = None

    @property
    def pipe(self) -> PagePipe:
        """The pipe for large reads; most mounts never need one."""
        if self._pipe is None:
            self._pipe = PagePipe()
        return self._pipe

    def open(self, path: GuestPath, flags: OpenFlag) -> OpenedFile:
        opened = self.directory.open_and_read(path, flags, _HEAD_BYTES)
        self.handles.add(opened.handle)
        return opened

    def open_ahead(
        self, directory: GuestPath, names: Sequence[str]
    ) -> list[OpenedFile | None]:
        try:
            files = self.directory.open_entries(directory, names, _HEAD_BYTES)
        except VfsError:
            return []  # the guest asks again when it wants one, and hears why not
        self.handles.update(file.handle for file in files if file)
        return files

    def page(self, listing: Listing) -> Answer:
        """Answer with some entries; the number of the rest is None at the end."""
        entries = [
            [_to_guest(name), _attributes(found)]
            for name, found in itertools.islice(listing, _PAGE_ENTRIES)
        ]
        if len(entries) < _PAGE_ENTRIES:
            listing.close()
            return Answer({"entries": entries, "more": None})
        self._last_listing += 1
        self.listings[self._last_listing] = listing
        if len(self.listings) > _MAX_LISTINGS:
            self.listings.pop(next(iter(self.listings))).close()
        return Answer({"entries": entries, "more": self._last_listing})

    def close(self) -> None:
        for listing in self.listings.values():
            listing.close()
        self.listings.clear()
        for handle in self.handles:
            # What could fail was reported by the writes before.
            with contextlib.suppress(VfsError):
                self.directory.close(handle)
        self.handles.clear()
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None


@dataclass(frozen=True)
class _Answerer(Generic[ParametersT]):
    """Answers one method.

    Attributes:
        kind: its parameters.
        function: what it does.
    """

    kind: type[ParametersT]
    function: Callable[[_Mount, ParametersT, memoryview], Answer]

    def answer(self, mounts: Sequence[_Mount], call: Call) -> Answer:
        wanted = parse_parameters(call, self.kind)
        return self.function(mounts[wanted.mount], wanted, call.tail)


def _lstat(mount: _Mount, wanted: _Path, _tail: memoryview) -> Answer:
    return Answer({"attributes": _attributes(mount.directory.lstat(_path(wanted)))})


def _readdir(mount: _Mount, wanted: _Path, _tail: memoryview) -> Answer:
    return mount.page(mount.directory.scan(_path(wanted)))


def _readdir_more(mount: _Mount, wanted: _ReadMore, _tail: memoryview) -> Answer:
    return mount.page(mount.listings.pop(wanted.listing))


def _readlink(mount: _Mount, wanted: _Path, _tail: memoryview) -> Answer:
    path = _path(wanted)
    target = mount.directory.readlink(path)
    # The guest follows the text by itself, among its own files: what leads out of the
    # mount must be refused here. A link to nothing leads nowhere.
    with contextlib.suppress(HostError):
        mount.directory.stat(path)
    return Answer({"target": _to_guest(target)})


def _open(mount: _Mount, wanted: _Open, _tail: memoryview) -> Answer:
    flags = _ACCESS_MODES[wanted.access]
    if wanted.append:
        flags |= OpenFlag.APPEND
    path = _path(wanted)
    opened = mount.open(path, flags)
    if not wanted.ahead:
        return Answer(_file(opened), opened.head)
    ahead = mount.open_ahead(path.parent, [_from_guest(name) for name in wanted.ahead])
    head = {**_file(opened), "ahead": [_file_ahead(file) for file in ahead]}
    return Answer(head, b"".join(file.head for file in (opened, *ahead) if file))


def _create(mount: _Mount, wanted: _Path, _tail: memoryview) -> Answer:
    return Answer(_file(mount.open(_path(wanted), _CREATE)))


def _fstat(mount: _Mount, wanted: _Handle, _tail: memoryview) -> Answer:
    return Answer({"attributes": _attributes(mount.directory.fstat(wanted.handle))})


def _read(mount: _Mount, wanted: _Read, _tail: memoryview) -> Answer:
    handle, length, offset = wanted.handle, wanted.length, wanted.offset
    if length < _PAGES_BYTES:
        return Answer({}, mount.directory.pread(handle, length, offset))
    moved = mount.pipe.fill(mount.directory, handle, length, offset)
    # The pipe may be full, the file at its end, or one of those that must be copied.
    rest = mount.directory.pread(handle, length - moved, offset + moved)
    return Answer({}, rest, mount.pipe)


def _write(mount: _Mount, wanted: _Write, tail: memoryview) -> Answer:
    written = 0
    while written < len(tail):
        at = wanted.offset + written
        written += mount.directory.pwrite(wanted.handle, tail[written:], at)
    return Answer({})


def _truncate(mount: _Mount, wanted: _Truncate, _tail: memoryview) -> Answer:
    mount.directory.ftruncate(wanted.handle, wanted.size)
    return Answer({})


def _fsync(mount: _Mount, wanted: _Handle, _tail: memoryview) -> Answer:
    mount.directory.fsync(wanted.handle)
    return Answer({})


def _close(mount: _Mount, wanted: _Close, _tail: memoryview) -> Answer:
    for handle in wanted.handles:
        mount.handles.discard(handle)
        mount.directory.close(handle)
    return Answer({})


def _setattr(mount: _Mount, wanted: _SetAttributes, _tail: memoryview) -> Answer:
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


def _mkdir(mount: _Mount, wanted: _MakeDirectory, _tail: memoryview) -> Answer:
    mount.directory.mkdir(_path(wanted), wanted.mode)
    return Answer({})


def _rmdir(mount: _Mount, wanted: _Path, _tail: memoryview) -> Answer:
    mount.directory.rmdir(_path(wanted))
    return Answer({})


def _unlink(mount: _Mount, wanted: _Path, _tail: memoryview) -> Answer:
    mount.directory.unlink(_path(wanted))
    return Answer({})


def _rename(mount: _Mount, wanted: _Rename, _tail: memoryview) -> Answer:
    new_path = GuestPath.parse(_from_guest(wanted.new_path))
    mount.directory.rename(_path(wanted), new_path)
    return Answer({})


def _symlink(mount: _Mount, wanted: _Symlink, _tail: memoryview) -> Answer:
    mount.directory.symlink(_from_guest(wanted.target), _path(wanted))
    return Answer({})


def _statfs(mount: _Mount, _wanted: _Parameters, _tail: memoryview) -> Answer:
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
    "close": _Answerer(_Close, _close),
    "create": _Answerer(_Path, _create),
    "fstat": _Answerer(_Handle, _fstat),
    "fsync": _Answerer(_Handle, _fsync),
    "lstat": _Answerer(_Path, _lstat),
    "mkdir": _Answerer(_MakeDirectory, _mkdir),
    "open": _Answerer(_Open, _open),
    "read": _Answerer(_Read, _read),
    "readdir": _Answerer(_Path, _readdir),
    "readdir_more": _Answerer(_ReadMore, _readdir_more),
    "readlink": _Answerer(_Path, _readlink),
    "rename": _Answerer(_Rename, _rename),
    "rmdir": _Answerer(_Path, _rmdir),
    "setattr": _Answerer(_SetAttributes, _setattr),
    "statfs": _Answerer(_Parameters, _statfs),
    "symlink": _Answerer(_Symlink, _symlink),
    "truncate": _Answerer(_Truncate, _truncate),
    "unlink": _Answerer(_Path, _unlink),
    "write": _Answerer(_Write, _write),
}
"""The calls for files, by method."""


def _path(parameters: _Path) -> GuestPath:
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
