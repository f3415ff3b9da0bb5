"""The directory in which a server keeps all it has, held by one server at a time."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ._errors import DataDirError, DataDirInUseError


@dataclass(frozen=True, kw_only=True)
class DataDir:
    """A data directory that is ours; only `hold_data_dir` makes one.

    Attributes:
        root: The directory itself, absolute.
    """

    root: Path

    @property
    def token_file(self) -> Path:
        """The token that was generated for this directory."""
        return self.root / "token"

    @property
    def database_file(self) -> Path:
        """The event logs of all notebooks, and what is known of the artifacts."""
        return self.root / "runt-sync.sqlite3"

    @property
    def known_clients_file(self) -> Path:
        """What is known of clients that cannot say where they stand."""
        return self.root / "known-clients.jsonl"

    @property
    def artifacts(self) -> Path:
        """The bytes of the artifacts, each file named by its SHA-256."""
        return self.root / "artifacts"


def default_data_dir() -> Path:
    """Return where a server keeps its data when nobody names a directory."""
    return platformdirs.user_data_path("runt", appauthor=False) / "sync"


@contextmanager
def hold_data_dir(root: Path) -> Generator[DataDir]:
    """Make a data directory if needed and keep every other server out of it.

    New directories are for their owner only (0700): notebooks are private, and the
    token beside them opens the server. A directory that exists keeps its mode.

    Args:
        root: The directory, on a file system that knows `flock`.

    Raises:
        DataDirError: The directory cannot be made, entered or written.
        DataDirInUseError: Another server, of this or another process, holds it.
    """
    data_dir = DataDir(root=root.absolute())
    try:
        data_dir.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_dir.artifacts.mkdir(mode=0o700, exist_ok=True)
        lock = _open_lock(data_dir.root / "lock")
    except OSError as error:
        raise DataDirError(data_dir.root, f"cannot be used: {error.strerror}") from None
    try:
        _take(lock, data_dir.root)
        yield data_dir
    finally:
        os.close(lock)  # which also gives the lock up, as the end of the process does


def _open_lock(host_path: Path) -> int:
    return os.open(host_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _take(lock: int, root: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
        reason = f"another sync server uses this directory (process {holder})"
        raise DataDirInUseError(root, reason) from None
    except OSError as error:
        raise DataDirError(root, f"cannot be locked: {error.strerror}") from None
    # The number only serves the message above; the lock is flock's.
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
