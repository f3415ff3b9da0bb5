"""Which ranges of the log a sync room reads for its connections, one at a time each."""

from collections.abc import Sequence
from typing import Final

from ._errors import UsageError
from ._limits import Limits
from ._messages import (
    LogTooShort,
    OtherLog,
    PullEnd,
    PullReq,
    PullRes,
    StopPull,
    StoredEvent,
)
from ._room_answers import answer, parts
from ._room_connection import Connection, Reading, Repeat
from ._room_effects import Effect, Read
from ._room_log import RoomLog

# What the server calls a PullRes with which it makes up for missed broadcasts.
_CATCH_UP: Final = "catch-up"


class Readings:
    """Answers pulls, and reads what else a connection needs from the log.

    Args:
        log: The log's end.
        limits: How answers are cut, and how many pulls may wait.
    """

    def __init__(self, log: RoomLog, limits: Limits) -> None:
        self._log = log
        self._limits = limits

    def receive_pull(self, connection: Connection, pull: PullReq) -> list[Effect]:
        """Answer a pull, now or after those before it."""
        connection.has_pulled = True
        connection.candidates = []
        if connection.reading is None:
            return self._start_pull(connection, pull)
        if len(connection.waiting) >= self._limits.max_waiting_pulls:
            why = "Too many pulls at once on this connection"
            return connection.refuse(pull.request_id, why)
        connection.waiting.append(pull)
        return []

    def stop_pull(self, connection: Connection, stop: StopPull) -> list[Effect]:
        """End a pull that its client wants no more of."""
        reading = connection.reading
        is_stream = connection.stream == stop.request_id
        if is_stream:
            connection.stream = connection.sent = None
        if reading is not None and reading.request_id == stop.request_id:
            reading.stopped = True
        elif not is_stream:
            waiting = [
                request
                for request in connection.waiting
                if isinstance(request, PullReq)
                and request.request_id == stop.request_id
            ]
            if not waiting:
                return []  # a push, which has its own answer, or a pull that has ended
            connection.waiting.remove(waiting[0])
        return connection.send(PullEnd(request_id=stop.request_id, stopped=True))

    def start_comparison(self, connection: Connection, repeat: Repeat) -> list[Effect]:
        """Read what the log holds in the place of a push.

        The JavaScript client repeats a push when it is loaded again before it knew that
        the push was stored. An Error would end its pushing: what it then pulls are its
        own events, and only foreign ones make it push again.
        """
        batch = repeat.push.batch
        parent = batch[0].parent_seq_num
        up_to = min(batch[-1].seq_num, self._log.stored)
        connection.reading = Reading("push", _CATCH_UP, parent, up_to, repeat=repeat)
        return [Read(connection.conn_id, parent, up_to)]

    def catch_up(self, connection: Connection) -> list[Effect]:
        """Read what a connection has missed of the broadcasts."""
        if connection.reading is not None:
            return []
        stored = self._log.stored
        if connection.candidates:
            first = min(candidate.sent for candidate in connection.candidates)
            if first >= stored:
                return []
            connection.reading = Reading("pull", "", first, stored, wakes=True)
            return [Read(connection.conn_id, first, stored)]
        sent = connection.sent
        if sent is None or sent >= stored:
            return []
        name = connection.stream if connection.wire.is_streamed else _CATCH_UP
        connection.reading = Reading("push", name or "", sent, stored)
        return [Read(connection.conn_id, sent, stored)]

    def read_next(self, connection: Connection) -> list[Effect]:
        """Go on with what waits for a connection whose reading has ended."""
        effects: list[Effect] = []
        while connection.waiting and connection.reading is None:
            match connection.waiting.popleft():
                case Repeat() as repeat:
                    effects += self.start_comparison(connection, repeat)
                case pull:
                    effects += self._start_pull(connection, pull)
        return effects + self.catch_up(connection)

    def send_chunk(
        self, connection: Connection, reading: Reading, events: Sequence[StoredEvent]
    ) -> list[Effect]:
        """Send the next events of a reading that is no comparison."""
        effects: list[Effect] = []
        for part in parts(events, self._limits):
            if reading.wakes:
                effects += wake_with(connection, part)
            elif not reading.stopped:
                effects += self._send_part(connection, reading, part)
            reading.sent = part[-1].event.seq_num
        if reading.sent == reading.up_to:
            connection.reading = None
            effects += _end(connection, reading)
            effects += self.read_next(connection)
        return effects

    def other_log(self, backend_id: str | None) -> OtherLog | None:
        """Tell whether a client names another log than this one."""
        if backend_id in {None, self._log.backend_id}:
            return None
        return OtherLog(expected=self._log.backend_id, received=backend_id or "")

    def _start_pull(self, connection: Connection, pull: PullReq) -> list[Effect]:
        cursor = max(pull.cursor or 0, 0)
        why = self._why_not(pull, cursor)
        if why is not None:
            return connection.refuse(pull.request_id, why)
        effects: list[Effect] = []
        if pull.live:
            if connection.stream is not None:  # one at a time: nobody needs more
                effects += connection.send(PullEnd(request_id=connection.stream))
            connection.stream = pull.request_id
            connection.sent = cursor
            effects += connection.meet(pull.request_id, cursor)
        stored = self._log.stored
        reading = Reading("pull", pull.request_id, cursor, stored, pull.live)
        if cursor == stored:
            backend_id = self._log.backend_id
            effects += connection.send(answer(reading, (), backend_id))
            return effects + _end(connection, reading)
        connection.reading = reading
        return [*effects, Read(connection.conn_id, cursor, stored)]

    def _why_not(self, pull: PullReq, cursor: int) -> LogTooShort | OtherLog | None:
        """Tell whether the client holds a log that is not this one.

        An empty answer, which the real servers give where the cursor is beyond the
        head, would let it wait for events that never come.
        """
        if cursor <= self._log.stored:
            return self.other_log(pull.backend_id)
        if pull.backend_id is not None:
            expected = self._log.backend_id
            return OtherLog(expected=expected, received=pull.backend_id)
        return LogTooShort(head=self._log.stored, cursor=cursor)

    def _send_part(
        self, connection: Connection, reading: Reading, part: tuple[StoredEvent, ...]
    ) -> list[Effect]:
        message = answer(reading, part, self._log.backend_id)
        if not reading.live:
            return connection.send(message)
        text = connection.wire.encode(message) or ""
        return connection.send_events(text, part[-1].event.seq_num)


def wake_with(connection: Connection, events: Sequence[StoredEvent]) -> list[Effect]:
    """Send events to each of those that a socket may belong to, by its address.

    Args:
        connection: The connection.
        events: Consecutive events; nobody is sent what it was sent before.
    """
    receiver = connection.receiver
    effects: list[Effect] = []
    for target in connection.candidates if receiver is None else [receiver]:
        missing = tuple(e for e in events if e.event.seq_num > target.sent)
        if missing and missing[0].event.seq_num == target.sent + 1:
            message = PullRes(
                batch=missing,
                context="pull",
                request_id=target.pull_id,
                # The client takes in no events of its own while some remain.
                remaining=0,
            )
            effects += connection.send_candidate(target, message)
    return effects


def check_order(reading: Reading, events: Sequence[StoredEvent]) -> None:
    """Make sure that events are the next of a reading.

    Raises:
        UsageError: They are not.
    """
    numbers = [stored.event.seq_num for stored in events]
    last = reading.sent + len(numbers)
    if numbers != list(range(reading.sent + 1, last + 1)) or last > reading.up_to:
        raise UsageError(f"e{reading.sent + 1} to e{reading.up_to} are to be read")


def _end(connection: Connection, reading: Reading) -> list[Effect]:
    if reading.live or reading.stopped:
        return []
    return connection.send(PullEnd(request_id=reading.request_id))
