"""Our own events that the server has not confirmed yet."""

from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from ._envelope import EncodedEvent, LoggedEvent
from ._errors import EventTooLargeError
from ._frames_v04 import MAX_BACKEND_ID
from ._json import same_json
from ._limits import Limits
from ._messages import PushReq
from ._wire import Wire
from ._wire_events import MAX_NUMBER, encode_logged_event
from ._wire_v03 import WIRE_V03

# Events that write what another event of the same batch may read (`max_push_events_
# near_clear` says why that matters).
_WRITES_WHAT_OTHERS_READ: Final = frozenset(
    {
        "v1.AllOutputsCleared",
        "v1.CellOutputsCleared",
        "v1.MarkdownOutputAppended",
        "v1.MultimediaDisplayOutputAdded",
        "v1.MultimediaDisplayOutputUpdated",
        "v1.TerminalOutputAppended",
    }
)


class _Pending(msgspec.Struct, frozen=True):
    event: EncodedEvent
    size: int


class PendingEvents:
    """A queue of events with their tickets; where they stand depends on the log's head.

    A rebase needs no work here: the first pending event always follows the head.

    Args:
        client_id: The id of the client that makes them.
        session_id: The id of its session.
        limits: How large a push may be.
        wire: How a push is spelled.
    """

    def __init__(
        self, client_id: str, session_id: str, limits: Limits, wire: Wire = WIRE_V03
    ) -> None:
        self._client_id = client_id
        self._session_id = session_id
        self._limits = limits
        self._queue: deque[_Pending] = deque()
        self._first_ticket = 1
        self.use_wire(wire)

    def __len__(self) -> int:
        return len(self._queue)

    def use_wire(self, wire: Wire) -> None:
        """Spell pushes in another way from now on.

        An event that fitted in before stays in the queue and is pushed by itself, even
        if it is now longer than it should be by the few bytes around it.
        """
        widest = PushReq(
            request_id=wire.name_request(self._session_id, MAX_NUMBER),
            batch=(),
            backend_id="\0" * MAX_BACKEND_ID,  # nothing is spelled longer
        )
        envelope = _size(wire.encode(widest) or "")
        self._max_batch_size = self._limits.max_push_bytes - envelope

    def add(self, events: Sequence[EncodedEvent]) -> list[int]:
        """Queue events, all or none.

        Returns:
            A ticket for each, in ascending order.

        Raises:
            EventTooLargeError: One does not fit into a push of its own.
        """
        added = [_Pending(event, self._size_of(event)) for event in events]
        first = self._first_ticket + len(self._queue)
        self._queue.extend(added)
        return list(range(first, first + len(added)))

    def is_confirmed(self, ticket: int) -> bool:
        """Tell whether the event of a ticket has left the queue."""
        return ticket < self._first_ticket

    def is_first(self, event: LoggedEvent, head: int) -> bool:
        """Tell whether an event of the log is the first of the queue.

        Args:
            event: An event of the log.
            head: The number of the last event before it that this client has.
        """
        if not self._queue:
            return False
        own = self._numbered(self._queue[0].event, head + 1)
        return (
            own.seq_num == event.seq_num
            and own.name == event.name
            and own.client_id == event.client_id
            and own.session_id == event.session_id
            # The hosted service hands out null where a push had no args.
            and same_json(own.args_text or "null", event.args_text or "null")
        )

    def confirm_first(self, head: int) -> tuple[int, LoggedEvent]:
        """Take the first event out of the queue.

        Args:
            head: The number of the last event before it.

        Returns:
            Its ticket, and the event in its place behind `head`.
        """
        event = self._numbered(self._queue.popleft().event, head + 1)
        ticket = self._first_ticket
        self._first_ticket += 1
        return ticket, event

    def next_batch(self, head: int) -> tuple[LoggedEvent, ...]:
        """Number the events that belong into the next push.

        Args:
            head: The number of the last event in the log.
        """
        batch: list[LoggedEvent] = []
        size = 0
        max_events = self._limits.max_push_events
        for pending in self._queue:
            size += pending.size
            if pending.event.name in _WRITES_WHAT_OTHERS_READ:
                max_events = self._limits.max_push_events_near_clear
            if batch and (len(batch) >= max_events or size > self._max_batch_size):
                break
            batch.append(self._numbered(pending.event, head + 1 + len(batch)))
        return tuple(batch)

    def _numbered(self, event: EncodedEvent, seq_num: int) -> LoggedEvent:
        return LoggedEvent(
            name=event.name,
            args_text=event.args_text,
            seq_num=seq_num,
            parent_seq_num=seq_num - 1,
            client_id=self._client_id,
            session_id=self._session_id,
        )

    def _size_of(self, event: EncodedEvent) -> int:
        widest = self._numbered(event, MAX_NUMBER)
        size = _size(encode_logged_event(widest)) + len(",")
        if size > self._max_batch_size:
            raise EventTooLargeError(event.name, size, self._max_batch_size)
        return size


def _size(text: str) -> int:
    return len(text.encode())
