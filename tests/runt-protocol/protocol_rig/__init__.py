"""What drives a sync client and a sync room in the tests beside this package."""

from ._client import PING, PONG, ClientDriver, frame_of, logged, own

__all__ = [
    "PING",
    "PONG",
    "ClientDriver",
    "frame_of",
    "logged",
    "own",
]
