"""A notebook as one client sees it: the log so far, and its own events on top."""

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from ._envelope import LoggedEvent
from ._errors import ProtocolError
from ._limits import Limits
from ._phase import Phase
from ._sync_client import SyncClient
from ._updates import Confirmed, Update
from ._wire import Wire
from .events import Event, UnknownEvent, decode_event, encode_event
from .state import NotebookState, Undo


class UnappliedEvent(msgspec.Struct, frozen=True):
    """An event of the log that changes nothing because it cannot be carried out.

    Attributes:
        event: The event.
        reason: Why.
    """

    event: LoggedEvent
    reason: str


class _Own(msgspec.Struct):
    """A pending event; `undo` is None while it is not applied."""

    args_text: str | None
    event: Event | UnknownEvent
    undo: Undo | None


class Replica:
    """A `SyncClient` together with the `NotebookState` that its events bring about.

    The state shows the log, and behind it the events that are committed here but not
    confirmed yet. When somebody else's event comes first, these are taken back, the
    foreign one is applied, and they are applied again.

    It is driven exactly as a `SyncClient` is.

    Args:
        client_id: A name for the client.
        session_id: A name for this run of it, new for every replica.
        limits: Sizes and times.
        drops_orphans: See `NotebookState`.
    """

    def __init__(
        self,
        *,
        client_id: str,
        session_id: str,
        limits: Limits | None = None,
        drops_orphans: bool = False,
    ) -> None:
        limits = limits or Limits()
        self._client = SyncClient(
            client_id=client_id, session_id=session_id, limits=limits
        )
        self._state = NotebookState(drops_orphans=drops_orphans)
        self._own: deque[_Own] = deque()
        self._skipped: deque[UnappliedEvent] = deque(maxlen=limits.max_skipped_events)
        self._skipped_count = 0

    @property
    def state(self) -> NotebookState:
        """The tables of the notebook. Change them through `commit` only."""
        return self._state

    @property
    def skipped(self) -> Sequence[UnappliedEvent]:
        """The latest events of the log that could not be carried out."""
        return tuple(self._skipped)

    @property
    def skipped_count(self) -> int:
        """How many events of the log could not be carried out."""
        return self._skipped_count

    @property
    def head(self) -> int:
        """The number of the last event of the log that this replica has."""
        return self._client.head

    @property
    def phase(self) -> Phase:
        """Where the replica stands with its server."""
        return self._client.phase

    @property
    def synced(self) -> bool:
        """Whether a pull has ever reached the head of the log."""
        return self._client.synced

    @property
    def pending_count(self) -> int:
        """How many of our events the server has not confirmed."""
        return self._client.pending_count

    @property
    def close_reason(self) -> str | None:
        """Why the owner has to close the connection now, or None."""
        return self._client.close_reason

    @property
    def last_error(self) -> str | None:
        """What the server said when it last refused something, or None."""
        return self._client.last_error

    def commit(self, *events: Event) -> list[int]:
        """Apply events at once and queue them for the log, all or none.

        Args:
            events: The events, in order.

        Returns:
            A ticket for each; `is_confirmed` tells when the server has stored it. Until
            then a foreign event may still come before it.

        Raises:
            InvalidEventError: LiveStore clients could not read one of them.
            ReusedIdError: One appends to an output under an id that was used already.
            EventTooLargeError: One is larger than a push may be.
        """
        encoded = [encode_event(event) for event in events]
        applied: list[_Own] = []
        try:
            for event in encoded:
                # What the others will read, not what the caller holds, which may be
                # more exact than its JSON (a date with microseconds).
                read = decode_event(event.name, event.args_text)
                undo = self._state.apply(read)
                applied.append(_Own(event.args_text, read, undo))
            tickets = self._client.commit(*encoded)
        except ProtocolError:
            self._take_back(applied)
            raise
        self._own.extend(applied)
        return tickets

    def is_confirmed(self, ticket: int) -> bool:
        """Tell whether the server has stored an event of ours.

        Args:
            ticket: What `commit` returned.
        """
        return self._client.is_confirmed(ticket)

    def use_wire(self, wire: Wire) -> None:
        """Speak to the server in another way; see `SyncClient.use_wire`.

        Raises:
            UsageError: A connection is open.
        """
        self._client.use_wire(wire)

    def connection_opened(self, now: float) -> None:
        """Take note of a new connection; see `SyncClient.connection_opened`.

        Raises:
            UsageError: A connection is open.
        """
        self._client.connection_opened(now)

    def connection_lost(self, now: float, *, jitter: float) -> None:
        """Take note of the end of one; see `SyncClient.connection_lost`."""
        self._client.connection_lost(now, jitter=jitter)

    def next_deadline(self) -> float:
        """Return the time to connect (offline) or to call `handle_timeout` (online)."""
        return self._client.next_deadline()

    def handle_timeout(self, now: float) -> None:
        """Do what is due; see `SyncClient.handle_timeout`."""
        self._client.handle_timeout(now)

    def data_to_send(self) -> list[str]:
        """Return the frames to be sent now; each is returned once."""
        return self._client.data_to_send()

    def receive_text(self, text: str, now: float) -> list[Update]:
        """Take in a frame from the server and carry out what it brings.

        Args:
            text: The text frame.
            now: The time, in seconds of any steady clock.

        Returns:
            What the log has gained, in its order; the state shows it already.

        Raises:
            WireError: As `SyncClient.receive_text`.
            OtherLogError: So too.
            UsageError: There is no connection.
        """
        updates = self._client.receive_text(text, now)
        taken_back = False
        for update in updates:
            confirmed = self._own.popleft() if isinstance(update, Confirmed) else None
            if confirmed is not None and _stands(confirmed, update):
                continue
            if not taken_back:
                self._take_back([confirmed, *self._own] if confirmed else self._own)
                taken_back = True
            self._apply_logged(update.event)
        if taken_back:
            self._apply_again()
        return updates

    def _take_back(self, own: Iterable[_Own]) -> None:
        for event in reversed(list(own)):
            if event.undo is not None:
                self._state.revert(event.undo)
                event.undo = None

    def _apply_again(self) -> None:
        for own in self._own:
            try:
                own.undo = self._state.apply(own.event)
            except ProtocolError:
                # A foreign event has taken its id. It stays pending, since it may be
                # on its way; in the log it will be skipped and reported.
                own.undo = None

    def _apply_logged(self, event: LoggedEvent) -> None:
        try:
            read = decode_event(event.name, event.args_text)
            self._state.apply(read)
        except ProtocolError as error:
            # One bad event must not end the syncing, as it does in the real client.
            self._skip(event, str(error))
        else:
            if isinstance(read, UnknownEvent):
                self._skip(event, "this version does not know the event")

    def _skip(self, event: LoggedEvent, reason: str) -> None:
        self._skipped.append(UnappliedEvent(event, reason))
        self._skipped_count += 1


def _stands(own: _Own, update: Update) -> bool:
    """Tell whether a confirmed event may stay as it was applied."""
    return own.undo is not None and own.args_text == update.event.args_text
