"""The embedded sync server of runt: WebSocket, artifacts, SQLite event log."""

from ._data_dir import default_data_dir
from ._errors import (
    BindError,
    DatabaseFileError,
    DataDirError,
    DataDirInUseError,
    StorageError,
    SyncServerError,
    TokenFileError,
)
from ._limits import Limits
from ._server import Server, open_server, serve

__all__ = [
    "BindError",
    "DataDirError",
    "DataDirInUseError",
    "DatabaseFileError",
    "Limits",
    "Server",
    "StorageError",
    "SyncServerError",
    "TokenFileError",
    "default_data_dir",
    "open_server",
    "serve",
]
