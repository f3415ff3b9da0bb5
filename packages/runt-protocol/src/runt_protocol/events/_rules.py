"""Rules of the real clients that lie beyond the types of the fields.

Their materialisers throw where these are broken, and a client whose materialiser threw
syncs no more.
"""

from math import trunc

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
    match event:
        case (
            TerminalOutputAdded(content=content)
            | TerminalOutputAppendedV1(content=content)
            | MarkdownOutputAdded(content=content)
            | MarkdownOutputAppendedV1(content=content)
        ):
            inline_text(content)
        case (
            MultimediaDisplayOutputAdded(representations=representations)
            | MultimediaDisplayOutputUpdated(representations=representations)
        ):
            primary_text(representations, DISPLAY_PREFERENCE)
        case MultimediaResultOutputAdded(representations=representations):
            primary_text(representations, RESULT_PREFERENCE)
        case RuntimeSessionRenewal():
            if abs(expiry_ms(event)) > MAX_DATE_MS:
                raise ValueError("the session would expire beyond all dates")
        case _:
            pass


def expiry_ms(renewal: RuntimeSessionRenewal) -> int:
    """Give the moment until which a renewal is valid, in milliseconds after 1970."""
    return trunc(epoch_ms(renewal.renewed_at) + renewal.valid_for_ms)
