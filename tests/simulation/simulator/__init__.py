"""A deterministic fault simulation of clients, agents and the sync server."""

from ._simulation import Outcome, simulate
from ._trace import Violation

__all__ = ["Outcome", "Violation", "simulate"]
