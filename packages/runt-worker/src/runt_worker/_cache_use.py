"""Who uses the cache: workers read unpacked packages, so these must not vanish."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_LOCK_FILE = "in-use"


@contextmanager
def cache_use(cache_dir: Path) -> Generator[None]:
    """Keep others from removing what is unpacked, until the end of the block.

    Args:
        cache_dir: runt's cache. One that cannot be written is nobody's to clear.
    """
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        file = (cache_dir / _LOCK_FILE).open("a")
    except OSError:
        yield
        return
    with file:
        # The system frees it with the process, however that ends.
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def sole_cache_use(cache_dir: Path) -> Generator[bool]:
    """Yield whether nobody uses the cache; nobody begins to until the block ends.

    Args:
        cache_dir: runt's cache.
    """
    with (cache_dir / _LOCK_FILE).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
