"""What a sync client says about the log."""

from typing import TypeAlias

import msgspec

from ._envelope import LoggedEvent


class Received(msgspec.Struct, frozen=True):
    """The log holds another event, made by somebody else.

    It comes before all of our pending events, which move back behind it.

    Attributes:
        event: The event in its place in the log.
    """

    event: LoggedEvent


class Confirmed(msgspec.Struct, frozen=True):
    """The log holds our oldest pending event.

    Attributes:
        ticket: What `SyncClient.commit` returned for it.
        event: The event in its place in the log. A server that parses and writes again
            what it stores may have spelled its arguments in another way.
    """

    ticket: int
    event: LoggedEvent


Update: TypeAlias = Received | Confirmed
