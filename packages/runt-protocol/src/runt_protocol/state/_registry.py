"""What the families of materialisers share.

A materialiser carries out one type of event on the tables. It reads them before it
writes: the JavaScript clients compute all effects of an event from the state before it.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

from runt_protocol.events import Event
from runt_protocol.state._rows import PresenceRow
from runt_protocol.state._tables import Tables

T = TypeVar("T")
EventT = TypeVar("EventT", bound=Event)
Materialiser: TypeAlias = Callable[[Tables, EventT], None]


class Family:
    """A family of materialisers, filled by using it as a decorator.

    Attributes:
        members: The functions by the event type that they carry out.
    """

    def __init__(self) -> None:
        self.members: dict[type[Event], Materialiser[Any]] = {}

    def __call__(
        self, *event_types: type[EventT]
    ) -> Callable[[Materialiser[EventT]], Materialiser[EventT]]:
        """Make the decorated function what these types of event do."""

        def register(function: Materialiser[EventT]) -> Materialiser[EventT]:
            self.members.update(dict.fromkeys(event_types, function))
            return function

        return register


def move_presence(tables: Tables, user_id: str, cell_id: str) -> None:
    """Say that a user is in a cell now; an empty cell id means in none."""
    tables.presence.put(PresenceRow(user_id=user_id, cell_id=cell_id or None))


def none_if_unset(value: T | UnsetType) -> T | None:
    """Give what a column holds for an optional field."""
    return None if value is UNSET else value
