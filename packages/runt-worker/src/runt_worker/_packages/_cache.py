"""The package cache: files by hash, and the same files unpacked.

    wheels/<sha256>/<file name>       checked against the hash before it got its name
    wheels/<sha256>/source            who delivered it, unless a lock asked for it
    unpacked/<sha256>/tree/...        what it holds, ready to be put on a path
    unpacked/<sha256>/files.json      each file's size: a torn tree shows
    unpacked/<sha256>/bytecode/...    of its Python files, made by `_bytecode.py`

Everything is made under a temporary name beside its place and renamed into it. So
several processes share one cache without locks: they may do the same work twice, but
never see half of it.
"""

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import msgspec

from ._archives import unpack_archive
from ._errors import HashMismatchError, PackageCacheError, PackageSourceError
from ._pins import IndexPin, Pin, is_file_name, is_sha256
from ._sources import FileSource, PackageSource

_log = logging.getLogger(__name__)

OnBytes = Callable[[int, int | None], None]
"""Told how many bytes of a file are there, of how many (None: nobody knows)."""


_ADDED = "a file of yours"
_SOURCE_FILE = "source"
_MAX_SOURCE_CHARACTERS = 200

MAX_FILE_BYTES = 1 << 30
"""A source that sends more is ended before it fills the disk; wheels have megabytes."""


class CachedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that lies in the cache.

    Attributes:
        file_name: The wheel or archive.
        sha256: The hash that it had when it came.
        size_bytes: Its length.
        source: Who delivered it, in words; "" if a lock asked for it.
        is_unpacked: Whether its contents lie ready.
    """

    file_name: str
    sha256: str
    size_bytes: int
    source: str
    is_unpacked: bool


class WheelCache:
    """Package files below one directory, shared by threads and processes.

    Args:
        root: The cache directory; it is made when something is first put into it.
        max_file_bytes: How long a file that a source sends may be, in bytes.
    """

    def __init__(self, root: Path, *, max_file_bytes: int = MAX_FILE_BYTES) -> None:
        self._root = root
        self._max_file_bytes = max_file_bytes
        self._verified: set[str] = set()

    @property
    def root(self) -> Path:
        """The cache directory."""
        return self._root

    def files(self) -> list[CachedFile]:
        """Return all files by name; what is on its way or strange is left out.

        Raises:
            PackageCacheError: The cache cannot be read.
        """
        found: list[CachedFile] = []
        with self._translated():
            for place in entries(self._root / "wheels"):
                if is_sha256(place.name):
                    found += self._files_of(place)
        return sorted(found, key=lambda file: (file.file_name.lower(), file.sha256))

    def _files_of(self, place: Path) -> Iterator[CachedFile]:
        for path in entries(place):
            if not is_file_name(path.name) or path.name == _SOURCE_FILE:
                continue
            try:
                yield CachedFile(
                    file_name=path.name,
                    sha256=place.name,
                    size_bytes=path.stat().st_size,
                    source=_read_source(place),
                    is_unpacked=(self._root / "unpacked" / place.name).is_dir(),
                )
            except FileNotFoundError:
                continue  # pruned by another process just now

    def get(self, pin: Pin) -> Path | None:
        """Return the cached file if it is there and whole.

        Args:
            pin: The file that is wanted.

        Raises:
            PackageCacheError: The file is there and cannot be read.
        """
        path = self._wheel_path(pin)
        with self._translated():
            try:
                actual = hash_of(path)
            except FileNotFoundError:
                return None
        if actual != pin.sha256:
            # Left in place: it is overwritten when the file is fetched again, and
            # another process may just have done so.
            _log.warning("%s in the package cache is damaged", pin.file_name)
            return None
        return path

    def path_of(self, pin: Pin) -> Path | None:
        """Return where a file lies, whole or not, or None if it is not there.

        Args:
            pin: The file.
        """
        path = self._wheel_path(pin)
        return path if path.is_file() else None

    def add(self, path: Path, pin: Pin) -> Path:
        """Take a file of the user's into the cache.

        Args:
            path: The file.
            pin: What it is; its hash is checked again while it is copied.

        Raises:
            HashMismatchError: It has other bytes by now.
            PackageSourceError: It cannot be read.
            PackageCacheError: The cache cannot be written.
        """
        if known := self.get(pin):
            return known
        if added := self.fill(pin, FileSource(path, _ADDED)):
            return added
        raise PackageSourceError(_ADDED, f"{path.name} is gone")

    def fill(
        self, pin: Pin, source: PackageSource, on_bytes: OnBytes | None = None
    ) -> Path | None:
        """Take a file from a source into the cache.

        Args:
            pin: The file that is wanted.
            source: Who may have it.
            on_bytes: Told about each piece that arrives.

        Returns:
            Where it now lies, or None if the source does not have it.

        Raises:
            HashMismatchError: The source delivered other bytes.
            PackageSourceError: The source could not be asked, or broke off.
            PackageCacheError: The cache cannot be written.
        """
        path = self._wheel_path(pin)

        def watch(bytes_done: int, bytes_total: int | None) -> None:
            if bytes_done > self._max_file_bytes:
                reason = f"sent more than {self._max_file_bytes} bytes"
                raise PackageSourceError(source.name, reason)
            if on_bytes:
                on_bytes(bytes_done, bytes_total)

        with self._temporary_file(self._root / "wheels") as file:
            incoming = _Incoming(file, self._translated, watch)
            if not source.fetch(pin, incoming):
                return None
            if incoming.sha256 != pin.sha256:
                raise HashMismatchError(
                    file_name=pin.file_name,
                    source=source.name,
                    expected=pin.sha256,
                    actual=incoming.sha256,
                )
            with self._translated():
                file.flush()
                os.fsync(file.fileno())
                # Windows renames no open file.
                file.close()
                path.parent.mkdir(exist_ok=True)
                Path(file.name).replace(path)
            if isinstance(pin, IndexPin):
                self._write_source(path.parent, source.name)
        return path

    def _write_source(self, place: Path, source_name: str) -> None:
        with self._temporary_file(self._root / "wheels") as file:
            file.write(source_name.encode())
            file.close()
            with self._translated():
                Path(file.name).replace(place / _SOURCE_FILE)

    def unpacked(self, pin: Pin) -> Path | None:
        """Return the directory with a file's contents if it is there and whole.

        Args:
            pin: The wheel or archive.
        """
        place = self._unpacked_path(pin)
        if pin.sha256 not in self._verified:
            if not _is_whole(place):
                return None
            self._verified.add(pin.sha256)
        return place / "tree"

    def unpack(self, pin: Pin) -> Path:
        """Return the directory with a file's contents, unpacking it if need be.

        Args:
            pin: A wheel or archive that is in the cache.

        Raises:
            ArchiveError: It is broken or hostile.
            PackageCacheError: It is not in the cache, or the cache cannot be written.
        """
        if tree := self.unpacked(pin):
            return tree
        archive = self.get(pin)
        if archive is None:
            raise PackageCacheError(self._root, f"{pin.file_name} is not in it")
        place = self._unpacked_path(pin)
        with self._translated():
            place.parent.mkdir(parents=True, exist_ok=True)
            with self._temporary_directory(place.parent) as made:
                sizes = unpack_archive(archive, made / "tree")
                (made / "tree").mkdir(exist_ok=True)
                (made / "files.json").write_bytes(msgspec.json.encode(sizes))
                self._move_into_place(made, place)
        self._verified.add(pin.sha256)
        return place / "tree"

    def _move_into_place(self, made: Path, place: Path) -> None:
        try:
            made.rename(place)
        except OSError:
            if _is_whole(place):
                # Another process was faster; what it made is the same.
                return
            # A damaged tree: out of the way with it. Two processes repairing at once
            # may replace each other's whole tree, which a third would miss for the
            # blink between two renames.
            with self._temporary_directory(place.parent) as aside:
                place.rename(aside / "damaged")
                made.rename(place)

    def _wheel_path(self, pin: Pin) -> Path:
        return self._root / "wheels" / pin.sha256 / pin.file_name

    def _unpacked_path(self, pin: Pin) -> Path:
        return self._root / "unpacked" / pin.sha256

    @contextmanager
    def _temporary_file(self, directory: Path) -> Generator[IO[bytes]]:
        with self._translated():
            directory.mkdir(parents=True, exist_ok=True)
            file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - renamed, then closed
                dir=directory, prefix=".", delete=False
            )
        try:
            # Closing writes what is buffered, so a full disk may show only here.
            with self._translated(), file:
                yield file
        finally:
            # Gone already when it got its final name.
            Path(file.name).unlink(missing_ok=True)

    @contextmanager
    def _temporary_directory(self, parent: Path) -> Generator[Path]:
        made = Path(tempfile.mkdtemp(dir=parent, prefix="."))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise PackageCacheError(self._root, reason) from error


class _Incoming:
    """A file on its way into the cache, hashed as it is written."""

    def __init__(
        self,
        file: IO[bytes],
        translated: Callable[[], AbstractContextManager[None]],
        on_bytes: OnBytes,
    ) -> None:
        self._file = file
        self._translated = translated
        self._on_bytes = on_bytes
        self._hash = hashlib.sha256()
        self._done = 0
        self._total: int | None = None

    @property
    def sha256(self) -> str:
        """The hash of what was written so far, in hex."""
        return self._hash.hexdigest()

    def expect(self, total_bytes: int | None) -> None:
        """See `PackageSink`."""
        self._total = total_bytes

    def write(self, chunk: bytes) -> None:
        """See `PackageSink`."""
        # A full disk is the cache's fault: the source that calls this must not take
        # the OSError for one of its own.
        with self._translated():
            self._file.write(chunk)
        self._hash.update(chunk)
        self._done += len(chunk)
        self._on_bytes(self._done, self._total)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entries(directory: Path) -> list[Path]:
    """Return what lies in a directory, which may be missing.

    Args:
        directory: The directory.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return list(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read_source(place: Path) -> str:
    try:
        with (place / _SOURCE_FILE).open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_SOURCE_CHARACTERS)
    except OSError:
        return ""


def _is_whole(place: Path) -> bool:
    """Say whether an unpacked directory still has every file in its full size."""
    try:
        sizes = msgspec.json.decode(
            (place / "files.json").read_bytes(), type=dict[str, int]
        )
        # Thousands of files at each start: a Path for each doubles the time.
        tree = str(place / "tree") + os.sep
        return all(
            os.stat(tree + name).st_size == size  # noqa: PTH116 - see above
            for name, size in sizes.items()
        )
    except (OSError, msgspec.DecodeError):
        return False
