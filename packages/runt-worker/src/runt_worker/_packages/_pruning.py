"""Removes from the cache what is of no use any more."""

import os
import shutil
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

from ._cache import CachedFile, WheelCache, entries
from ._pins import is_sha256


def remove_leftovers(cache: WheelCache, older_than_s: float) -> int:
    """Remove what processes that died have left half-made; return its size in bytes.

    Args:
        cache: The cache.
        older_than_s: What is younger, in seconds, may be under way.

    Raises:
        OSError: The cache cannot be read or written.
    """
    return sum(
        _remove(path)
        for place in ("wheels", "unpacked")
        for path in entries(cache.root / place)
        if path.name.startswith(".") and _age_s(path) > older_than_s
    )


def remove_wheels(cache: WheelCache, is_kept: Callable[[CachedFile], bool]) -> int:
    """Remove files, which no running worker reads; return their size in bytes.

    Args:
        cache: The cache.
        is_kept: Says of a file whether it stays.

    Raises:
        PackageCacheError: The cache cannot be read.
        OSError: It cannot be written.
    """
    return sum(
        _remove(cache.root / "wheels" / file.sha256)
        for file in cache.files()
        if not is_kept(file)
    )


def remove_unpacked(cache: WheelCache, kept: AbstractSet[str]) -> int:
    """Remove unpacked files, which workers may be reading; return their size in bytes.

    Args:
        cache: The cache.
        kept: The SHA-256 sums of those that stay.

    Raises:
        OSError: The cache cannot be read or written.
    """
    return sum(
        _remove(place)
        for place in entries(cache.root / "unpacked")
        if is_sha256(place.name) and place.name not in kept
    )


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _remove(path: Path) -> int:
    """Remove a file or directory; return how many bytes of files that frees."""
    files = [it for it in path.rglob("*") if it.is_file()] or [path]
    size = sum(it.lstat().st_size for it in files if it.is_file())
    if path.is_dir():
        # Out of the way in one step: nobody finds it half gone.
        aside = path.with_name(f".{path.name}-{os.getpid()}")
        path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return size
