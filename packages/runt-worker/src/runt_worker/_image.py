"""Memory images on disk: found by what they were made of, shared by all processes.

    images/<key>/memory     what `deno/image.ts` reads
    images/<key>/record     its size, times and hash
    images/<key>/deno/...   a `DENO_DIR` with our code compiled

An image is private to an installation: Python's hash seed is frozen in it.

It needs no more than the standard library: a command looks here before its slower
imports.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from runt_worker._command import Image, Installation

_KEPT_S = 30 * 24 * 3600
_MAX_KEPT = 4
"""Several environments of one user may have a version each; every image has 45 MB."""
_BUSY_S = 120
"""So long a process may need from finding an image to having read it."""


class _Record(NamedTuple):
    """What is known of a file that was whole."""

    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: str

    @property
    def times(self) -> tuple[int, int, int]:
        return self.size, self.mtime_ns, self.ctime_ns


def image_place(cache_dir: Path, installation: Installation) -> Image:
    """Return where the image of an installation belongs, whether it is there or not.

    Args:
        cache_dir: runt's cache.
        installation: what the image is made of.
    """
    digest = hashlib.sha256()
    for part in _parts(installation):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return Image(directory=cache_dir / "images" / digest.hexdigest()[:32])


def is_whole(image: Image) -> bool:
    """Tell whether an image is there, and as it was made.

    A file whose times are the recorded ones was not written to since; another one is
    hashed.
    """
    try:
        record = _read_record(image)
        if record.times == _times(image):
            return True
        if record.sha256 != _sha256(image):
            return False
        with suppress(OSError):  # a cache that cannot be written is hashed every time
            write_record(image)
    except (OSError, ValueError):
        return False
    return True


def discard(image: Image) -> None:
    """Let an image that does not restore count as damaged."""
    with suppress(OSError):  # then it goes on to cost everybody a slow start
        _record_path(image).unlink(missing_ok=True)


def mark_used(image: Image) -> None:
    """Keep an image from being forgotten."""
    with suppress(OSError):
        os.utime(image.directory)


def forget_unused(images: Path) -> None:
    """Remove what nobody has used lately: images of other versions, torn work.

    Args:
        images: the directory of all images.
    """
    used: list[tuple[float, Path]] = []
    for directory in images.glob("*/"):
        with suppress(OSError):
            used.append((directory.stat().st_mtime, directory))
    used.sort(reverse=True)
    now = time.time()
    for number, (when, directory) in enumerate(used):
        if now - when > (_KEPT_S if number < _MAX_KEPT else _BUSY_S):
            shutil.rmtree(directory, ignore_errors=True)


def write_record(image: Image) -> None:
    """Record the memory file as it is now.

    Raises:
        OSError: it cannot be read, or the record not written.
    """
    record = _Record(*_times(image), _sha256(image))
    new = image.directory / f"record.{os.getpid()}"
    new.write_text(" ".join(map(str, record)))
    new.replace(_record_path(image))


def _read_record(image: Image) -> _Record:
    size, mtime_ns, ctime_ns, sha256 = _record_path(image).read_text().split()
    return _Record(int(size), int(mtime_ns), int(ctime_ns), sha256)


def _record_path(image: Image) -> Path:
    return image.directory / "record"


def _times(image: Image) -> tuple[int, int, int]:
    found = image.memory.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _sha256(image: Image) -> str:
    with image.memory.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parts(installation: Installation) -> Iterator[bytes]:
    """Yield all that an image depends on."""
    yield str(installation.distribution).encode()  # named after Pyodide's lock
    yield str(installation.packages).encode()
    # Deno's compiled code is for one version of it.
    deno = installation.deno.stat()
    yield f"{installation.deno} {deno.st_size} {deno.st_mtime_ns}".encode()
    yield (installation.assets / "kernel_lock.json").read_bytes()
    for directory, pattern in (("deno", "*.ts"), ("kernel", "*/*.py")):
        for path in sorted((installation.assets / directory).glob(pattern)):
            yield os.fsencode(path)
            yield path.read_bytes()
