"""The errors of this package, split by who is at fault.

SyncServerError
├── DataDirError             the host: the data directory cannot be used
│   ├── DataDirInUseError    another server works in it
│   ├── TokenFileError       the stored token cannot be trusted
│   └── DatabaseFileError    the database file is damaged, foreign, or newer than we
├── BindError                the host: the address cannot be listened on
├── StorageError             the host: a read or a write failed while the server ran
├── RefusedError             the peer: a connection that is not let in
└── ArtifactTooLargeError    a limit: more bytes than an artifact may have
"""

from pathlib import Path


class SyncServerError(Exception):
    """The base of every error that this package raises on purpose."""


class DataDirError(SyncServerError):
    """The data directory cannot be used.

    Attributes:
        host_path: The directory, or the file in it that stands in the way.
        reason: What is wrong with it, and what helps.
    """

    def __init__(self, host_path: Path, reason: str) -> None:
        self.host_path = host_path
        self.reason = reason
        super().__init__(f"{host_path}: {reason}")


class DataDirInUseError(DataDirError):
    """Another server works in this data directory."""


class TokenFileError(DataDirError):
    """The stored token cannot be trusted, or is no token."""


class DatabaseFileError(DataDirError):
    """The database file is damaged, belongs to another program, or is too new."""


class BindError(SyncServerError):
    """The address cannot be listened on.

    Attributes:
        host: The host as it was asked for.
        port: The port as it was asked for.
        reason: Why the operating system says no.
    """

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        self.reason = reason
        super().__init__(f"cannot listen on {host} port {port}: {reason}")


class StorageError(SyncServerError):
    """A read or a write of the running server failed; nothing of it was stored.

    Attributes:
        reason: What the database or the operating system says.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"storage failed: {reason}")


class RefusedError(SyncServerError):
    """A peer is not let in.

    Attributes:
        reason: What the peer is told; it never repeats a secret.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ArtifactTooLargeError(SyncServerError):
    """An artifact has more bytes than the server takes.

    Attributes:
        max_bytes: The size in bytes that it may have at most.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        super().__init__(f"an artifact may have at most {max_bytes:,} bytes")
