"""What drives a sync client and a sync room in tests/runt-protocol."""

from ._client import PING, PONG, ClientDriver, frame_of, logged, own
from ._recordings import VECTORS, frames, recordings
from ._room import (
    ACK,
    NOW,
    ODD_PING,
    Edge,
    error,
    event,
    other_push,
    pull,
    push,
    push_of,
    stored,
)

__all__ = [
    "ACK",
    "NOW",
    "ODD_PING",
    "PING",
    "PONG",
    "VECTORS",
    "ClientDriver",
    "Edge",
    "error",
    "event",
    "frame_of",
    "frames",
    "logged",
    "other_push",
    "own",
    "pull",
    "push",
    "push_of",
    "recordings",
    "stored",
]
