"""What a test of something built on this package needs; it needs hypothesis itself."""

from ._convergence import ConvergenceCheck
from ._messages import logged_events, messages, messages_v04
from ._network import MemoryServer, SimulatedNetwork
from ._strategies import dates, events, json_values, texts, unknown_events

__all__ = [
    "ConvergenceCheck",
    "MemoryServer",
    "SimulatedNetwork",
    "dates",
    "events",
    "json_values",
    "logged_events",
    "messages",
    "messages_v04",
    "texts",
    "unknown_events",
]
