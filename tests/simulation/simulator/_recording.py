"""Every sync client of a simulation, with all that was ever committed through it."""

from collections.abc import Sequence

import msgspec

from runt_protocol import EncodedEvent, Limits, SyncClient, Update

from ._machine import Machine, this_machine


class RecordingClient(SyncClient):
    """The real client; it also remembers what its owner has committed.

    Attributes:
        machine: Where it runs.
        session_id: Its name in the log.
        committed: Its events, in order.
        log_number: Which log it follows: how often the store had been lost when the
            first event came. None before that.
        first_ticket: The ticket of the first of `committed`.
    """

    max_push_events = 50
    all: list["RecordingClient"] = []  # noqa: RUF012 - emptied by each simulation
    lost_logs = 0
    first_delays: list[float] = []  # noqa: RUF012 - the same

    def __init__(
        self,
        *,
        client_id: str,
        session_id: str,
        cursor: int = 0,
        limits: Limits | None = None,
    ) -> None:
        limits = msgspec.structs.replace(
            limits or Limits(), max_push_events=type(self).max_push_events
        )
        super().__init__(
            client_id=client_id, session_id=session_id, cursor=cursor, limits=limits
        )
        self.machine: Machine = this_machine.get()
        self.session_id = session_id
        self.committed: list[EncodedEvent] = []
        self.tickets: list[int] = []
        self.log_number: int | None = None
        type(self).all.append(self)

    def commit(self, *events: EncodedEvent) -> list[int]:
        """Commit and remember."""
        tickets = super().commit(*events)
        self.committed.extend(events)
        self.tickets.extend(tickets)
        return tickets

    def receive_text(self, text: str, now: float) -> list[Update]:
        """Take in a frame, and note which log the first event belongs to."""
        updates = super().receive_text(text, now)
        if self.log_number is None and self.head:
            self.log_number = type(self).lost_logs
        return updates

    def connection_lost(self, now: float, *, jitter: float) -> None:
        """Note how long the pause is, where it is the first one."""
        is_first = self._reconnects.failures == 0
        super().connection_lost(now, jitter=jitter)
        if is_first:
            type(self).first_delays.append(self._reconnect_at - now)

    def confirmed(self) -> Sequence[EncodedEvent]:
        """Give the events that the server has confirmed."""
        return self.committed[: len(self.committed) - self.pending_count]

    def pending(self) -> Sequence[EncodedEvent]:
        """Give the events that wait for that."""
        return self.committed[len(self.committed) - self.pending_count :]
