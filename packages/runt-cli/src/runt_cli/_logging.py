"""What long-running commands say about their work on standard error."""

import logging
from typing import Final

from runt_cli._terminal_text import safe_text

_OURS: Final = ("runt_agent", "runt_sync", "runt_worker")


def log_to_stderr() -> None:
    """Print the log of our packages, and of others only what is wrong.

    Tokens are in none of it; httpx, for one, would log whole URLs at this level.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_SafeFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler])
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)


class _SafeFormatter(logging.Formatter):
    """Messages name cells and executions, whose ids are what a peer made of them."""

    def format(self, record: logging.LogRecord) -> str:
        return safe_text(super().format(record), color=False)
