"""Rules of the real clients that lie beyond the types of the fields.

Their materialisers throw where these are broken, and a client whose materialiser threw
syncs no more.
"""

from collections.abc import Callable, Mapping
from math import trunc
from typing import Any, Final

from runt_protocol._dates import MAX_DATE_MS, epoch_ms
from runt_protocol._media import (
    DISPLAY_PREFERENCE,
    RESULT_PREFERENCE,
    inline_text,
    primary_text,
)
from runt_protocol.events._catalogue import Event
from runt_protocol.events._executions import RuntimeSessionRenewal
from runt_protocol.events._outputs import (
    MarkdownOutputAdded,
    MarkdownOutputAppendedV1,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    MultimediaResultOutputAdded,
    TerminalOutputAdded,
    TerminalOutputAppendedV1,
)


def check_rules(event: Event) -> None:
    """Refuse an event that is well-typed and still cannot be materialised.

    Raises:
        ValueError: A session would expire when no JavaScript date can say.
        TypeError: Content has no text in JavaScript.
        RecursionError: Content nests too deeply.
    """
    rule = _RULES.get(type(event))
    if rule is not None:
        rule(event)


def expiry_ms(renewal: RuntimeSessionRenewal) -> int:
    """Give the moment until which a renewal is valid, in milliseconds after 1970."""
    return trunc(epoch_ms(renewal.renewed_at) + renewal.valid_for_ms)


def _has_text(
    event: TerminalOutputAdded
    | TerminalOutputAppendedV1
    | MarkdownOutputAdded
    | MarkdownOutputAppendedV1,
) -> None:
    inline_text(event.content)


def _has_display_text(
    event: MultimediaDisplayOutputAdded | MultimediaDisplayOutputUpdated,
) -> None:
    primary_text(event.representations, DISPLAY_PREFERENCE)


def _has_result_text(event: MultimediaResultOutputAdded) -> None:
    primary_text(event.representations, RESULT_PREFERENCE)


def _expires_some_day(event: RuntimeSessionRenewal) -> None:
    if abs(expiry_ms(event)) > MAX_DATE_MS:
        raise ValueError("the session would expire beyond all dates")


_RULES: Final[Mapping[type[Event], Callable[[Any], None]]] = {
    TerminalOutputAdded: _has_text,
    TerminalOutputAppendedV1: _has_text,
    MarkdownOutputAdded: _has_text,
    MarkdownOutputAppendedV1: _has_text,
    MultimediaDisplayOutputAdded: _has_display_text,
    MultimediaDisplayOutputUpdated: _has_display_text,
    MultimediaResultOutputAdded: _has_result_text,
    RuntimeSessionRenewal: _expires_some_day,
}
RULED_EVENTS: Final = frozenset(event_type.event_name for event_type in _RULES)
"""The names of the events that have a rule: few, so asking first saves most calls."""
