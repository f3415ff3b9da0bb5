"""A whole event list to tables, for tools and tests."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct

from runt_protocol._envelope import EncodedEvent, LoggedEvent
from runt_protocol._errors import ProtocolError
from runt_protocol._json import dumps
from runt_protocol.events import UnknownEvent, decode_event
from runt_protocol.state import NotebookState

WireEvent: TypeAlias = LoggedEvent | EncodedEvent | Mapping[str, object]


class SkippedEvent(Struct, frozen=True, kw_only=True):
    """An event of the list that changed nothing.

    Attributes:
        index: Its place in the list, from 0.
        name: Its name, "" where it has none.
        reason: Why it was skipped.
    """

    index: int
    name: str
    reason: str


class MaterializedTables(dict[str, list[dict[str, object]]]):
    """The tables by name, as `NotebookState.tables` gives them.

    Attributes:
        skipped: The events that are not in the tables, in the order of the list.
    """

    def __init__(
        self,
        tables: Mapping[str, list[dict[str, object]]],
        skipped: tuple[SkippedEvent, ...],
    ) -> None:
        super().__init__(tables)
        self.skipped = skipped


def materialize(events: Iterable[WireEvent]) -> MaterializedTables:
    """Bring a list of events to the tables of a LiveStore client.

    Args:
        events: The events in the order of the log: from the wire, or mappings with
            `name` and, unless the event has none, `args` as a JSON value.

    Returns:
        The tables, with the events that could not be taken in `skipped`: those that
        the real clients cannot read, and those that this version does not know.
    """
    state = NotebookState()
    skipped: list[SkippedEvent] = []
    for index, event in enumerate(events):
        name = _name(event)
        reason = _reason_to_skip(state, name, event)
        if reason is not None:
            skipped.append(SkippedEvent(index=index, name=name, reason=reason))
    return MaterializedTables(state.tables(), tuple(skipped))


def _reason_to_skip(state: NotebookState, name: str, event: WireEvent) -> str | None:
    """Apply an event if possible, else say why it is not."""
    try:
        decoded = decode_event(name, _args_text(event))
        if isinstance(decoded, UnknownEvent):
            return "this version does not know the event"
        state.apply(decoded)
    except (ProtocolError, TypeError, RecursionError) as error:
        return str(error)
    return None


def _name(event: WireEvent) -> str:
    if isinstance(event, Mapping):
        name = event.get("name")
        return name if isinstance(name, str) else ""
    return event.name


def _args_text(event: WireEvent) -> str | None:
    if isinstance(event, Mapping):
        return dumps(event["args"]) if "args" in event else None
    return event.args_text
