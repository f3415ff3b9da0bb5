"""What long-running commands say about their work on standard error."""

import logging
from typing import Final

_OURS: Final = ("runt_agent", "runt_sync", "runt_worker")


def log_to_stderr() -> None:
    """Print the log of our packages, and of others only what is wrong.

    Tokens are in none of it; httpx, for one, would log whole URLs at this level.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
