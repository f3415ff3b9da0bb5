"""What commands say about their work on standard error.

Tokens are in none of it, at no level, and neither are the sources of cells: what is
logged names cells and executions by their ids.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Final

from runt_cli._log_options import LogFlags
from runt_cli._terminal_text import safe_text

_OURS: Final = ("runt_agent", "runt_sync", "runt_worker")

_IDS: Final = ("session_id", "queue_id", "cell_id")
"""What an entry is about, where it is about one of them."""


def log_to_stderr(flags: LogFlags, *, usual: str = "info") -> None:
    """Print the log of our packages, and of others only what is wrong.

    Others would log too much: httpx whole URLs, websockets every frame.

    Args:
        flags: What the command line said.
        usual: The level where it said nothing.
    """
    level = logging.getLevelNamesMapping()[(flags.level or usual).upper()]
    handler = logging.StreamHandler()
    handler.setFormatter(
        _JsonFormatter()
        if flags.as_json
        else _SafeFormatter("%(asctime)s %(levelname)s %(message)s")
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING))
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


class _SafeFormatter(logging.Formatter):
    """Messages name cells and executions, whose ids are what a peer made of them."""

    def format(self, record: logging.LogRecord) -> str:
        return safe_text(super().format(record), color=False)


class _JsonFormatter(logging.Formatter):
    """An object a line, in ASCII: no terminal takes any of it for a command."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in _IDS:
            if (value := getattr(record, name, None)) is not None:
                entry[name] = value
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)
