"""What drives a sync client and a sync room in tests/runt-protocol."""

from ._client import PING, PONG, ClientDriver, frame_of, logged, own
from ._recordings import VECTORS, frames, recordings

__all__ = [
    "PING",
    "PONG",
    "VECTORS",
    "ClientDriver",
    "frame_of",
    "frames",
    "logged",
    "own",
    "recordings",
]
