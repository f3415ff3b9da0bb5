"""What a sync room knows of its log: where it ends, and what is on its way into it."""

from collections import deque

import msgspec

from ._errors import UsageError
from ._messages import StoredEvent
from ._receiver import Receiver
from ._room_effects import Append, ConnId


class Appending(msgspec.Struct, frozen=True):
    """Events on their way to the disk.

    Attributes:
        conn_id: The connection that pushed them.
        request_id: How it named that push.
        batch: The events.
        receiver: How the pusher can be reached should the connection end meanwhile.
    """

    conn_id: ConnId
    request_id: str
    batch: tuple[StoredEvent, ...]
    receiver: Receiver | None = None


class RoomLog:
    """The end of the log.

    Args:
        head: The number of the last event that is stored.
        backend_id: The name of the log.

    Attributes:
        stored: The number of the last event that is stored.
        accepted: The number of the last event that is stored or on its way.
        backend_id: As given.
    """

    def __init__(self, head: int, backend_id: str) -> None:
        self.stored = head
        self.accepted = head
        self.backend_id = backend_id
        self._appending: deque[Appending] = deque()

    @property
    def is_appending(self) -> bool:
        """Whether something waits to be stored."""
        return bool(self._appending)

    def accept(self, appending: Appending) -> Append:
        """Let events in behind everything that was accepted before."""
        self.accepted = appending.batch[-1].event.seq_num
        self._appending.append(appending)
        return Append(appending.batch)

    def take_stored(self) -> Appending:
        """Take out the oldest events, which are stored.

        Raises:
            UsageError: Nothing waits to be stored.
        """
        self._check()
        appending = self._appending.popleft()
        self.stored = appending.batch[-1].event.seq_num
        return appending

    def take_failed(self) -> list[Appending]:
        """Take out all events: the oldest are not stored, nor can those behind them be.

        Raises:
            UsageError: Nothing waits to be stored.
        """
        self._check()
        failed = list(self._appending)
        self._appending.clear()
        self.accepted = self.stored
        return failed

    def _check(self) -> None:
        if not self._appending:
            raise UsageError("no Append is waiting to be stored")
