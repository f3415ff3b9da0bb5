"""An event inside a frame: what both versions of the protocol spell the same."""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from ._envelope import LoggedEvent
from ._json import LENIENT, dump_text
from ._raw_json import raw_items, raw_members

# Beyond this a JavaScript number is no longer exact.
MAX_NUMBER: Final = 2**53 - 1
SeqNum: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
Cursor: TypeAlias = Annotated[int, Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)]


class WireEvent(msgspec.Struct, frozen=True, rename="camel"):
    """A `LoggedEvent` as it stands in a frame."""

    name: str
    seq_num: SeqNum
    parent_seq_num: SeqNum
    client_id: str
    session_id: str
    args: Raw | UnsetType = UNSET

    def logged(self) -> LoggedEvent:
        """Return the event; its args are the exact text that the frame holds."""
        return LoggedEvent(
            name=self.name,
            args_text=None if self.args is UNSET else bytes(self.args).decode(),
            seq_num=self.seq_num,
            parent_seq_num=self.parent_seq_num,
            client_id=self.client_id,
            session_id=self.session_id,
        )


class WireNone(msgspec.Struct, frozen=True, tag="None", tag_field="_tag"):
    """JavaScript's `Option` without a value."""


def encode_logged_event(event: LoggedEvent) -> str:
    """Write one event as it stands in a batch, in the key order of the real peers."""
    args = "" if event.args_text is None else f'"args":{event.args_text},'
    return (
        f'{{"name":{dump_text(event.name)},{args}"seqNum":{event.seq_num},'
        f'"parentSeqNum":{event.parent_seq_num},'
        f'"clientId":{dump_text(event.client_id)},'
        f'"sessionId":{dump_text(event.session_id)}}}'
    )


def read_members(text: str, **readers: Callable[[str], Any]) -> dict[str, Any]:
    """Read a JSON object that may hold lone surrogates, for `msgspec.convert`.

    Args:
        text: The object.
        readers: How to read members other than as plain values, by name.

    Raises:
        ValueError: It is no object, or a value of it is no JSON.
        RecursionError: A value nests too deeply.
    """
    return {
        name: readers.get(name, LENIENT.decode)(member)
        for name, member in raw_members(text).items()
    }


def read_batch(text: str) -> list[dict[str, Any]]:
    """Read a batch, of a push or of a pull, and keep the text of args; so too.

    Raises:
        ValueError: It is no array of objects.
        RecursionError: A value nests too deeply.
    """
    return [
        read_members(item, eventEncoded=_read_event, args=read_raw)
        for item in raw_items(text)
    ]


def read_raw(text: str) -> Raw:
    """Keep a value as the text that it is."""
    return Raw(text.encode())


def _read_event(text: str) -> dict[str, Any]:
    return read_members(text, args=read_raw)
