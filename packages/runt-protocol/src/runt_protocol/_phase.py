"""Where a sync client stands with its server, and how that may change."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from ._errors import UsageError


class Phase(Enum):
    """Where a client stands with its server."""

    OFFLINE = "no connection"
    PULLING = "connected, events of the log are missing"
    LIVE = "connected, nothing known is missing"


class Step(Enum):
    """What happens to a client's connection."""

    OPENED = "the connection was opened"
    LOST = "the connection was lost"
    PULL = "a pull was sent"
    PULLED = "the last answer to a pull came"


# What is absent is illegal. An attempt to connect that fails is lost while offline.
_NEXT_PHASE: Final[Mapping[tuple[Phase, Step], Phase]] = MappingProxyType(
    {
        (Phase.OFFLINE, Step.OPENED): Phase.PULLING,
        (Phase.OFFLINE, Step.LOST): Phase.OFFLINE,
        (Phase.PULLING, Step.PULLED): Phase.LIVE,
        (Phase.PULLING, Step.LOST): Phase.OFFLINE,
        (Phase.LIVE, Step.PULL): Phase.PULLING,
        (Phase.LIVE, Step.LOST): Phase.OFFLINE,
    }
)


def next_phase(phase: Phase, step: Step) -> Phase:
    """Return the phase that follows.

    Raises:
        UsageError: The step is not possible in this phase.
    """
    following = _NEXT_PHASE.get((phase, step))
    if following is None:
        raise UsageError(f"{step.value}, but the state was: {phase.value}")
    return following
