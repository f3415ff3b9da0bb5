"""How a sync room takes pushes in: checked, never twice, and answered once stored."""

from collections.abc import Sequence
from typing import Final

from ._envelope import LoggedEvent
from ._messages import PushAck, PushReq, StoredEvent
from ._push_check import malformed, stale
from ._room_connection import Connection, Reading, Repeat
from ._room_effects import Close, Effect
from ._room_log import Appending, RoomLog
from ._room_readings import Readings
from ._room_receivers import Receivers

# The real 0.4 client opens a new socket when a Pong is missing, but never pulls on it;
# when a socket is closed it does.
NO_PULL: Final = "reconnect and pull"


class Pushes:
    """Takes pushes in.

    Args:
        log: The log's end.
        readings: What reads the log for connections.
        receivers: What knows who pushes.
    """

    def __init__(self, log: RoomLog, readings: Readings, receivers: Receivers) -> None:
        self._log = log
        self._readings = readings
        self._receivers = receivers

    def receive(
        self, connection: Connection, push: PushReq, created_at: str
    ) -> list[Effect]:
        """Take in a push.

        Args:
            connection: Where it came from.
            push: The push.
            created_at: When it came.
        """
        if not push.batch:
            return connection.send(PushAck(request_id=push.request_id))
        why = malformed(push.batch) or self._readings.other_log(push.backend_id)
        if why is not None:
            return connection.refuse(push.request_id, why)
        if self._receivers.is_crossing(connection, push):
            ahead = stale(push.batch, self._log.accepted)
            return connection.refuse(push.request_id, ahead or "")
        identified = self._receivers.identify(connection, push)
        return identified + self._check(connection, Repeat(push, created_at))

    def compare(
        self,
        connection: Connection,
        reading: Reading,
        repeat: Repeat,
        events: Sequence[StoredEvent],
    ) -> list[Effect]:
        """Take in the next events from the place of a push that may be a repeat."""
        batch = repeat.push.batch
        for stored in events:
            index = stored.event.seq_num - batch[0].seq_num
            if index == reading.known and batch[index] == stored.event:
                reading.known += 1
        reading.sent = events[-1].event.seq_num
        if reading.sent < reading.up_to:
            return []
        connection.reading = None
        effects = self._finish(connection, repeat, known=reading.known)
        return effects + self._readings.read_next(connection)

    def _check(self, connection: Connection, repeat: Repeat) -> list[Effect]:
        if repeat.push.batch[0].parent_seq_num >= self._log.stored:
            return self._finish(connection, repeat, known=0)
        if connection.reading is None:
            return self._readings.start_comparison(connection, repeat)
        if any(isinstance(request, Repeat) for request in connection.waiting):
            # No client has two pushes under way, and each may be large.
            return self._finish(connection, repeat, known=0)
        connection.waiting.append(repeat)
        return []

    def _finish(
        self, connection: Connection, repeat: Repeat, *, known: int
    ) -> list[Effect]:
        """Store a push, except for those of its first events that are stored."""
        push = repeat.push
        rest = push.batch[known:]
        ahead = stale(rest, self._log.accepted) if rest else None
        if (known or ahead is not None) and not connection.wire.is_streamed:
            # What the client lacks follows, and nothing twice: one event that comes
            # again ends the syncing of a 0.3 client for good.
            connection.shows(push.batch[0].parent_seq_num)
        if not rest:
            return connection.acknowledge(push.request_id)
        if ahead is not None:
            refusal = connection.refuse(push.request_id, ahead)
            return refusal + self._heal(connection)
        return [
            self._log.accept(
                Appending(
                    connection.conn_id,
                    push.request_id,
                    tuple(_stored(event, repeat.created_at) for event in rest),
                    connection.receiver,
                )
            )
        ]

    def _heal(self, connection: Connection) -> list[Effect]:
        """Help a JavaScript client on, which waits for events after a stale push.

        What a 0.4 client lacks is on its way, if it has pulled.
        """
        if connection.wire.is_streamed and not connection.has_pulled:
            return [Close(connection.conn_id, NO_PULL)]
        return self._readings.catch_up(connection)


def _stored(event: LoggedEvent, created_at: str) -> StoredEvent:
    return StoredEvent(event=event, created_at=created_at)
