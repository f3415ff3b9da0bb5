"""Both ends of the network's calls: a guest that asks, and a site that answers."""

from ._guest import REQUEST, TIMEOUT_S, Got, Guest, LyingResolver, connected
from ._site import Site, serve

__all__ = [
    "REQUEST",
    "TIMEOUT_S",
    "Got",
    "Guest",
    "LyingResolver",
    "Site",
    "connected",
    "serve",
]
