"""Unpacking wheels and archives without believing a word they say.

Everything that gets here carries a hash that some lock file names, so a hostile archive
would need a poisoned lock. The checks stand all the same: they are what `runt packages
add` and a mirror of somebody else's making rest on.
"""

import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from stat import S_IFMT, S_IFREG
from typing import IO, NamedTuple

import msgspec

from ._errors import ArchiveError

_CHUNK_BYTES = 1 << 20

# A wheel keeps what does not simply go to site-packages below NAME-VERSION.data/.
_WHEEL_DATA = re.compile(r"\A[^/]+\.data/(?P<scheme>[^/]+)/(?P<rest>.+)\Z", re.DOTALL)


class ArchiveLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive may grow to.

    Attributes:
        max_members: Files; the largest wheel of Pyodide has some 10,000.
        max_bytes: Bytes unpacked; the largest have some 200 MB, and no sandbox could
            import more than its 4 GiB of memory.
    """

    max_members: int = 100_000
    max_bytes: int = 2 << 30


class _Member(NamedTuple):
    """One regular file of an archive."""

    name: str
    size: int
    content: IO[bytes]


def unpack_archive(
    archive: Path, into: Path, limits: ArchiveLimits | None = None
) -> dict[str, int]:
    """Unpack a wheel, a zip or a tar file into a directory.

    Of a wheel's data directories only `purelib` and `platlib` are unpacked: scripts,
    headers and shared data mean nothing in a sandbox without a shell.

    Args:
        archive: The file; its name decides how it is read.
        into: An empty directory.
        limits: What it may grow to.

    Returns:
        The size of each file in bytes by its path below the directory.

    Raises:
        ArchiveError: The archive is broken, has a member that is neither file nor
            directory or that would land outside, or grows past its limits.
        OSError: The host refused to write.
    """
    limits = limits or ArchiveLimits()
    sizes: dict[str, int] = {}
    total = 0
    try:
        for member in _members(archive):
            name = _checked_name(archive, member.name)
            if name is None:
                continue
            total += member.size
            if len(sizes) >= limits.max_members:
                raise ArchiveError(
                    archive.name, f"more than {limits.max_members} files"
                )
            # Neither reader gives more than the size that a member declares.
            if total > limits.max_bytes:
                raise ArchiveError(archive.name, f"more than {limits.max_bytes} bytes")
            sizes[name] = _write(archive, member, into.joinpath(name))
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise ArchiveError(archive.name, str(error) or "it ends too early") from error
    except (NotImplementedError, RuntimeError) as error:
        # zipfile's way to say: encrypted, or packed by a method it does not know.
        raise ArchiveError(archive.name, str(error)) from error
    return sizes


def _members(archive: Path) -> Iterator[_Member]:
    if re.search(r"\.tar(\.[a-z0-9]+)?\Z|\.tgz\Z", archive.name):
        return _tar_members(archive)
    return _zip_members(archive)


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                continue
            if kind not in (0, S_IFREG):
                raise ArchiveError(archive.name, f"{info.filename!r} is a special file")
            with opened.open(info) as content:
                yield _Member(info.filename, info.file_size, content)


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as opened:
        for info in opened:
            if info.isdir():
                continue
            content = opened.extractfile(info) if info.isreg() else None
            if content is None:
                raise ArchiveError(archive.name, f"{info.name!r} is a special file")
            with content:
                yield _Member(info.name, info.size, content)


def _checked_name(archive: Path, name: str) -> str | None:
    """Return where a member goes below the directory, or None if it is left out."""
    # Colons and backslashes are drives, streams and separators on Windows.
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or re.search(r"[\\:\0]", name):
        raise ArchiveError(archive.name, f"{name!r} would land outside its directory")
    if not path.parts:
        raise ArchiveError(archive.name, "a member has no name")
    if archive.suffix == ".whl" and (data := _WHEEL_DATA.match(str(path))):
        if data["scheme"] not in ("purelib", "platlib"):
            return None
        return data["rest"]
    return str(path)


def _write(archive: Path, member: _Member, target: Path) -> int:
    written = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # "x": a name that comes twice, also in another case, is somebody's trick.
        with target.open("xb") as file:
            while chunk := member.content.read(_CHUNK_BYTES):
                written += file.write(chunk)
    except (FileExistsError, NotADirectoryError) as error:
        reason = f"{member.name!r} is in the way of another member"
        raise ArchiveError(archive.name, reason) from error
    if written != member.size:
        raise ArchiveError(archive.name, f"{member.name!r} ends too early")
    return written
