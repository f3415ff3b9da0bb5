"""An event before anybody has read its arguments: a name beside a JSON text.

LiveStore clients recognise their own events by the JSON text of `args`, so key order,
number spelling and escapes have to survive byte for byte. That text therefore stays a
text until `decode_event` is asked for its meaning.
"""

import msgspec


class EncodedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that has no place in a log yet.

    Attributes:
        name: The event's name with its version, such as `v2.CellCreated`.
        args_text: The exact JSON text of the arguments; None where the key is absent.
    """

    name: str
    args_text: str | None


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in the log of a store.

    Attributes:
        name: The event's name with its version, such as `v2.CellCreated`.
        args_text: The exact JSON text of the arguments; None where the key is absent.
        seq_num: The event's number, 1 for the first event of a store.
        parent_seq_num: The number before it, 0 for the root of the log.
        client_id: A free string that names the client which made the event.
        session_id: A free string that names that client's session (no runtime session).
    """

    name: str
    args_text: str | None
    seq_num: int
    parent_seq_num: int
    client_id: str
    session_id: str
