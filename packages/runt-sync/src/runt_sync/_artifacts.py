"""Artifacts: bytes of notebooks that are too large to travel as events."""

import hashlib
import os
import secrets
import sqlite3
import tempfile
from pathlib import Path

import msgspec
import trio

from ._database import Database
from ._errors import StorageError

_ID_BYTES = 24
_UNFINISHED = "upload-"  # no digest begins like this


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact that is stored.

    Attributes:
        content_type: What its uploader said it is.
        host_path: The file that holds its bytes.
    """

    content_type: str
    host_path: Path


class ArtifactStore:
    """Keeps artifacts: bytes in files named by their content, the rest in SQLite.

    An id is random and says nothing about the content, so knowing an id is the right
    to read. Equal bytes are stored once.

    Args:
        database: The open database.
        folder: An existing directory of ours for the bytes.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def remove_unfinished(self) -> None:
        """Remove what a server that was killed has left half-written.

        Raises:
            StorageError: A file cannot be removed.
        """
        try:
            for left in self._folder.glob(f"{_UNFINISHED}*"):
                left.unlink()
        except OSError as error:
            raise StorageError(error.strerror or str(error)) from error

    async def add(
        self, content: bytes, *, content_type: str, notebook_id: str, created_at: str
    ) -> str:
        """Store bytes; both they and their entry are durable on return.

        Args:
            content: The bytes.
            content_type: What they are, as it shall be served again.
            notebook_id: The notebook that they belong to.
            created_at: The time to note with them.

        Returns:
            The new artifact's id: unguessable, made of `A-Z a-z 0-9 - _`.

        Raises:
            StorageError: The disk or SQLite could not take them.
        """
        artifact_id = secrets.token_urlsafe(_ID_BYTES)
        digest = await trio.to_thread.run_sync(_write_content, self._folder, content)

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO artifacts (id, notebook_id, content_type, sha256,"
                " created_at) VALUES (?, ?, ?, ?, ?)",
                (artifact_id, notebook_id, content_type, digest, created_at),
            )

        await self._database.write(insert)
        return artifact_id

    async def find(self, artifact_id: str) -> Artifact | None:
        """Return an artifact, or None where no artifact has this id.

        Raises:
            StorageError: SQLite could not read.
        """

        def select(connection: sqlite3.Connection) -> Artifact | None:
            row = connection.execute(
                "SELECT content_type, sha256 FROM artifacts WHERE id = ?",
                (artifact_id,),
            ).fetchone()
            if row is None:
                return None
            return Artifact(content_type=row[0], host_path=self._folder / row[1])

        return await self._database.read(select)


def _write_content(folder: Path, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    target = folder / digest
    try:
        if not target.exists():
            _write_atomically(target, content)
        _sync_folder(folder)
    except OSError as error:
        raise StorageError(error.strerror or str(error)) from error
    return digest


def _write_atomically(target: Path, content: bytes) -> None:
    fd, name = tempfile.mkstemp(dir=target.parent, prefix=_UNFINISHED)
    fresh = Path(name)
    try:
        with open(fd, "wb") as file:  # noqa: PTH123 - a descriptor has no Path
            file.write(content)
            file.flush()
            os.fsync(fd)
        fresh.rename(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    # The name of a file is durable only once its directory is.
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
