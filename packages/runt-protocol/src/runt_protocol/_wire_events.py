"""An event inside a frame: what both versions of the protocol spell the same."""

from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from ._envelope import LoggedEvent
from ._frame_reading import read_members, read_raw
from ._json import dump_text
from ._messages import StoredEvent
from ._raw_json import raw_items

# Beyond this a JavaScript number is no longer exact.
MAX_NUMBER: Final = 2**53 - 1
SeqNum: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
Cursor: TypeAlias = Annotated[int, Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)]

T = TypeVar("T")


class WireNone(msgspec.Struct, frozen=True, tag="None", tag_field="_tag"):
    """JavaScript's `Option` without a value."""


class WireSome(msgspec.Struct, Generic[T], frozen=True, tag="Some", tag_field="_tag"):
    """JavaScript's `Option` with a value."""

    value: T


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


class WireMetadata(msgspec.Struct, frozen=True, rename="camel"):
    """What a server says about an event; 0.4 gives it a tag."""

    created_at: str


MetadataT = TypeVar("MetadataT", bound=WireMetadata)


class WireStored(msgspec.Struct, Generic[MetadataT], frozen=True, rename="camel"):
    """A `StoredEvent` as it stands in a frame."""

    event_encoded: WireEvent
    metadata: WireSome[MetadataT] | WireNone

    def stored(self) -> StoredEvent:
        """Return the event and what the server says about it."""
        created_at = None
        if isinstance(self.metadata, WireSome):
            created_at = self.metadata.value.created_at
        return StoredEvent(event=self.event_encoded.logged(), created_at=created_at)


def encode_logged_event(event: LoggedEvent) -> str:
    """Write one event as it stands in a batch, in the key order of the real peers."""
    args = "" if event.args_text is None else f'"args":{event.args_text},'
    return (
        f'{{"name":{dump_text(event.name)},{args}"seqNum":{event.seq_num},'
        f'"parentSeqNum":{event.parent_seq_num},'
        f'"clientId":{dump_text(event.client_id)},'
        f'"sessionId":{dump_text(event.session_id)}}}'
    )


def encode_stored_event(stored: StoredEvent, *, tag: str = "") -> str:
    """Write one event as it stands in an answer to a pull; so too.

    Args:
        stored: The event.
        tag: What stands before the members of its metadata, as text.
    """
    if stored.created_at is None:
        metadata = '{"_tag":"None"}'
    else:
        created_at = dump_text(stored.created_at)
        metadata = f'{{"_tag":"Some","value":{{{tag}"createdAt":{created_at}}}}}'
    event = encode_logged_event(stored.event)
    return f'{{"eventEncoded":{event},"metadata":{metadata}}}'


def read_batch(text: str) -> list[dict[str, Any]]:
    """Read a batch, of a push or of a pull, and keep the text of args.

    Raises:
        ValueError: It is no array of objects.
        RecursionError: A value nests too deeply.
    """
    return [
        read_members(item, eventEncoded=_read_event, args=read_raw)
        for item in raw_items(text)
    ]


def _read_event(text: str) -> dict[str, Any]:
    return read_members(text, args=read_raw)
