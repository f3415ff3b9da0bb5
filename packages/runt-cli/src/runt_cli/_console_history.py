"""Where the console's history is kept."""

import os
from pathlib import Path
from typing import Final

from platformdirs import user_state_path
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

_OWNER_ONLY: Final = 0o600


def open_history() -> History:
    """Open the user's history; one that ends with the console if it has no file."""
    path = user_state_path("runt") / "console-history"
    try:
        _make_private(path)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


def _make_private(path: Path) -> None:
    """Let nobody else read it: lines may hold what is nobody's business."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, _OWNER_ONLY)
    try:
        os.fchmod(descriptor, _OWNER_ONLY)
    finally:
        os.close(descriptor)
