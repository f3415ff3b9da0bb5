"""A LiveStore 0.3 client, by what still reaches it when its connection has ended.

Read off `@livestore/sync-cf` 0.3.1: it connects again, but never repeats its pull nor a
push whose ack it has not seen. What it does hear are answers to that one pull, by its
id, and acks, by theirs; whatever bears the id of somebody else it ignores. Events that
begin at or below its head end its syncing until it is loaded again, and a gap is never
noticed: so somebody has to know exactly what it has.
"""

import re
from typing import Final

import msgspec

# What LiveStore makes of `nanoid()`. Our own clients name their pulls differently: they
# pull again on every connection and need none of this.
_NANOID: Final = re.compile(r"[A-Za-z0-9_-]{21}")


class KnownClient(msgspec.Struct, frozen=True):
    """What a room knows for sure of a client that cannot say where it stands.

    Attributes:
        pull_id: The id of its one pull.
        has: The number of the last event that has surely come to it.
        client_id: How it names itself in its events, empty until it pushes.
        acks: Pushes of its that are stored, while it is not sure that it knows.
    """

    pull_id: str
    has: int
    client_id: str = ""
    acks: tuple[str, ...] = ()


class Receiver(msgspec.Struct):
    """What a client has of the log, and how it can be told the rest.

    Attributes:
        pull_id: The id of its one pull.
        has: The number of the last event that has surely come to it.
        sent: The number of the last event that was sent to it.
        began: What it had when its connection began, or this way to reach it.
        client_id: How it names itself in its events, empty until it pushes.
        acks: Pushes of its that are stored, while it is not sure that it knows.
        is_due: Whether its connection ended while it may have been about to answer.
    """

    pull_id: str
    has: int
    sent: int
    began: int
    client_id: str = ""
    acks: list[str] = msgspec.field(default_factory=list[str])
    is_due: bool = False

    @property
    def is_in_doubt(self) -> bool:
        """Whether it may well have more than is sure, and does no worse without help.

        One that waits for an ack does: it has to be loaded again, unless it gets both
        the ack and the events, which were sent together.
        """
        return self.is_due and self.has != self.sent and not self.acks

    def known(self) -> KnownClient:
        """Return what is sure."""
        return KnownClient(self.pull_id, self.has, self.client_id, tuple(self.acks))


class Delivery(msgspec.Struct):
    """Something that a receiver has once its socket has answered a probe.

    Attributes:
        probe: The number of the probe.
        receiver: Whom it was sent to.
        head: The number of the last event that it has then.
        acks: The pushes that it then knows to be stored.
    """

    probe: int
    receiver: Receiver
    head: int
    acks: list[str]

    def confirm(self) -> None:
        """Take note that it has come."""
        receiver = self.receiver
        receiver.has = max(receiver.has, self.head)
        receiver.acks = [ack for ack in receiver.acks if ack not in self.acks]


def as_known(client: KnownClient) -> Receiver:
    """Make a receiver that has been sent what it surely has, and no more."""
    has = client.has
    return Receiver(client.pull_id, has, has, has, client.client_id, list(client.acks))


def receiver_of(pull_id: str, cursor: int) -> Receiver | None:
    """Make the receiver of a pull, None for clients that pull again by themselves."""
    if _NANOID.fullmatch(pull_id) is None:
        return None
    return Receiver(pull_id, has=cursor, sent=cursor, began=cursor)
