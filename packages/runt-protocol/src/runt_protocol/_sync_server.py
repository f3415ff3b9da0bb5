"""The sync server of one store, without sockets, files or a clock.

The room decides what happens; an edge owns the sockets and the log and does what the
room's effects say. So every rule of the protocol can be tested without either of them.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from ._errors import UsageError, WireError
from ._limits import Limits
from ._push_check import malformed, stale
from ._room_connection import Connection, Reading, Repeat
from ._room_effects import Append, ConnId, Effect, Read, Send
from ._wire_v03 import (
    AdminInfoReq,
    AdminResetRoomReq,
    ErrorRes,
    Message,
    Ping,
    Pong,
    PullReq,
    PullRes,
    PushAck,
    PushReq,
    StoredEvent,
    decode_message,
    encode_message,
    request_id_of,
)

# What the server calls a PullRes with which it makes up for missed broadcasts.
_CATCH_UP: Final = "catch-up"


class _Appending(msgspec.Struct, frozen=True):
    conn_id: ConnId
    request_id: str
    batch: tuple[StoredEvent, ...]


class SyncRoom:
    r"""Everybody who is connected to one store, and the order of its log.

    An edge drives it like this (`perform` never waits, so frames keep their order):

        room = SyncRoom(head=log.head())

        def perform(effects):
            for effect in effects:
                match effect:
                    case Send(conn_id, text):       # a bounded queue; full: disconnect
                        outbox[conn_id].put(text)
                    case Append(events):            # one task commits them in order
                        appends.put(events)
                    case Read(conn_id, after, up_to):
                        nursery.start_soon(stream, conn_id, after, up_to)

        async def commit_all():
            async for events in appends:            # or several in one transaction
                try:
                    await log.append(events)
                except OSError as error:            # those behind it cannot follow:
                    appends.clear()                 # the room refuses their pushes too
                    perform(room.append_failed(str(error)))
                else:
                    perform(room.appended())        # once for each Append

        async def stream(conn_id, after, up_to):    # as slow as its client, unhurried:
            async for rows in log.read(after, up_to, limit=100):
                perform(room.read_chunk(conn_id, rows))
                await outbox[conn_id].drained()

        room.connect(conn_id)                       # a socket was accepted
        perform(room.receive(conn_id, text, created_at=iso_now()))
        room.disconnect(conn_id)                    # also when a read has failed

    While a Read is under way for a connection, broadcasts for it are held back and read
    from the log afterwards: a slow client costs one chunk of memory, not a queue.

    Args:
        head: The number of the last event in the log, 0 for an empty one.
        limits: What the room accepts and how it cuts its answers.
    """

    def __init__(self, head: int, *, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._stored = head
        self._accepted = head
        self._appending: deque[_Appending] = deque()
        self._connections: dict[ConnId, Connection] = {}

    @property
    def head(self) -> int:
        """The number of the last event that is stored."""
        return self._stored

    @property
    def is_empty(self) -> bool:
        """Whether nobody is connected and nothing waits to be stored."""
        return not self._connections and not self._appending

    def connect(self, conn_id: ConnId) -> None:
        """Let a socket in.

        Args:
            conn_id: A name for it that no other socket of this room has had.

        Raises:
            UsageError: A connection of that name stands.
        """
        if conn_id in self._connections:
            raise UsageError(f"the connection {conn_id!r} is in the room already")
        self._connections[conn_id] = Connection()

    def disconnect(self, conn_id: ConnId) -> None:
        """Forget a socket; what it pushed is stored nevertheless.

        Args:
            conn_id: The connection; one that has left already is no error.
        """
        self._connections.pop(conn_id, None)

    def receive(self, conn_id: ConnId, text: str, *, created_at: str) -> list[Effect]:
        """Take in a frame.

        Args:
            conn_id: The connection that it came from.
            text: The text frame. A wrong one is answered by an Error and does no harm.
            created_at: The time now as an ISO date, for events that the frame pushes.

        Returns:
            What the edge has to do, in this order.

        Raises:
            UsageError: There is no such connection.
        """
        connection = self._connections.get(conn_id)
        if connection is None:
            raise UsageError(f"there is no connection {conn_id!r} in the room")
        if self._is_too_long(text):
            limit = self._limits.max_message_bytes
            return [_error(conn_id, "", f"A message may have {limit:,} bytes at most")]
        try:
            message = decode_message(text)
        except WireError as error:
            return [_error(conn_id, request_id_of(text), f"Invalid message: {error}")]
        return self._respond(conn_id, connection, message, created_at)

    def appended(self) -> list[Effect]:
        """Take note that the oldest Append is stored for good.

        Returns:
            The acknowledgement and the broadcasts.

        Raises:
            UsageError: No Append is waiting.
        """
        append = self._oldest_append()
        self._appending.popleft()
        self._stored = append.batch[-1].event.seq_num
        effects: list[Effect] = []
        if append.conn_id in self._connections:
            ack = PushAck(request_id=append.request_id)
            effects.append(_send(append.conn_id, ack))
        effects.extend(self._broadcast(append))
        return effects

    def append_failed(self, reason: str) -> list[Effect]:
        """Take note that the oldest Append is not stored, nor can those behind it be.

        Args:
            reason: Why, in a sentence for the clients that pushed; no host path.

        Returns:
            An Error for each of these pushes.

        Raises:
            UsageError: No Append is waiting.
        """
        self._oldest_append()
        failed = list(self._appending)
        self._appending.clear()
        self._accepted = self._stored
        why = f"The events could not be stored: {reason}"
        return [
            _error(append.conn_id, append.request_id, why)
            for append in failed
            if append.conn_id in self._connections
        ]

    def read_chunk(
        self, conn_id: ConnId, events: Sequence[StoredEvent]
    ) -> list[Effect]:
        """Take in the next events of a Read.

        Args:
            conn_id: The connection of that Read; if it has left, nothing happens.
            events: At least one event; they follow on those handed over before.

        Returns:
            Frames for the connection, and after the last event perhaps the next Read.

        Raises:
            UsageError: No Read is under way, or these are not its next events.
        """
        connection = self._connections.get(conn_id)
        if connection is None:
            return []
        reading = connection.reading
        if reading is None:
            raise UsageError(f"nothing is read for the connection {conn_id!r}")
        numbers = [stored.event.seq_num for stored in events]
        last = reading.sent + len(numbers)
        if numbers != list(range(reading.sent + 1, last + 1)) or last > reading.up_to:
            raise UsageError(f"e{reading.sent + 1} to e{reading.up_to} are to be read")
        if reading.repeat is not None:
            return self._compare(conn_id, connection, reading, reading.repeat, events)
        effects: list[Effect] = []
        for part in self._parts(events):
            reading.sent = part[-1].event.seq_num
            effects.append(_send(conn_id, _answer(reading, part)))
        connection.sent = max(connection.sent or 0, reading.sent)
        if reading.sent == reading.up_to:
            connection.reading = None
            effects.extend(self._next_read(conn_id, connection))
        return effects

    def _respond(
        self,
        conn_id: ConnId,
        connection: Connection,
        message: Message,
        created_at: str,
    ) -> list[Effect]:
        match message:
            case Ping():
                return [_send(conn_id, Pong())]
            case Pong():
                return []
            case PullReq():
                return self._receive_pull(conn_id, connection, message)
            case PushReq():
                return self._receive_push(conn_id, connection, message, created_at)
            case AdminInfoReq() | AdminResetRoomReq():
                why = "This server takes no admin messages"
            case _:
                why = f"{type(message).__name__} is no message for a server"
        return [_error(conn_id, message.request_id, why)]

    def _receive_pull(
        self, conn_id: ConnId, connection: Connection, pull: PullReq
    ) -> list[Effect]:
        if connection.reading is None:
            return self._start_pull(conn_id, connection, pull)
        if len(connection.waiting) >= self._limits.max_waiting_pulls:
            why = "Too many pulls at once on this connection"
            return [_error(conn_id, pull.request_id, why)]
        connection.waiting.append(pull)
        return []

    def _start_pull(
        self, conn_id: ConnId, connection: Connection, pull: PullReq
    ) -> list[Effect]:
        cursor = max(pull.cursor or 0, 0)
        if cursor > self._stored:
            # The client holds a log that is not this one. An empty answer, which the
            # real server gives, would let it wait for events that never come.
            why = f"The log ends at e{self._stored}, but the cursor is e{cursor}"
            return [_error(conn_id, pull.request_id, why)]
        connection.sent = cursor
        reading = Reading("pull", pull.request_id, cursor, self._stored)
        if cursor == self._stored:
            return [_send(conn_id, _answer(reading, ()))]
        connection.reading = reading
        return [Read(conn_id, cursor, self._stored)]

    def _receive_push(
        self, conn_id: ConnId, connection: Connection, push: PushReq, created_at: str
    ) -> list[Effect]:
        if not push.batch:
            return [_send(conn_id, PushAck(request_id=push.request_id))]
        why = malformed(push.batch)
        if why is not None:
            return [_error(conn_id, push.request_id, why)]
        parent = push.batch[0].parent_seq_num
        if connection.sent is None:
            connection.sent = parent
        repeat = Repeat(push, created_at)
        if parent >= self._stored:
            return self._finish_push(conn_id, connection, repeat, known=0)
        if connection.reading is None:
            return self._start_comparison(conn_id, connection, repeat)
        if any(isinstance(request, Repeat) for request in connection.waiting):
            # No client has two pushes under way, and each may be large.
            return self._finish_push(conn_id, connection, repeat, known=0)
        connection.waiting.append(repeat)
        return []

    def _start_comparison(
        self, conn_id: ConnId, connection: Connection, repeat: Repeat
    ) -> list[Effect]:
        """Read what the log holds in the place of a push.

        The JavaScript client repeats a push when it is loaded again before it knew that
        the push was stored. An Error would end its pushing: what it then pulls are its
        own events, and only foreign ones make it push again.
        """
        batch = repeat.push.batch
        parent = batch[0].parent_seq_num
        up_to = min(batch[-1].seq_num, self._stored)
        connection.reading = Reading("push", _CATCH_UP, parent, up_to, repeat)
        return [Read(conn_id, parent, up_to)]

    def _compare(
        self,
        conn_id: ConnId,
        connection: Connection,
        reading: Reading,
        repeat: Repeat,
        events: Sequence[StoredEvent],
    ) -> list[Effect]:
        batch = repeat.push.batch
        for stored in events:
            index = stored.event.seq_num - batch[0].seq_num
            if index == reading.known and batch[index] == stored.event:
                reading.known += 1
        reading.sent = events[-1].event.seq_num
        if reading.sent < reading.up_to:
            return []
        connection.reading = None
        known = reading.known
        effects = self._finish_push(conn_id, connection, repeat, known=known)
        return [*effects, *self._next_read(conn_id, connection)]

    def _finish_push(
        self, conn_id: ConnId, connection: Connection, repeat: Repeat, *, known: int
    ) -> list[Effect]:
        """Store a push, except for those of its first events that are stored."""
        push = repeat.push
        rest = push.batch[known:]
        why = stale(rest, self._accepted) if rest else None
        if known or why is not None:
            # What the client lacks follows, and nothing twice: one event that comes
            # again ends the JavaScript client's syncing for good.
            parent = push.batch[0].parent_seq_num
            connection.sent = max(connection.sent or 0, parent)
        if not rest:
            return [_send(conn_id, PushAck(request_id=push.request_id))]
        if why is not None:
            # The JavaScript client waits for a broadcast after this Error.
            refusal = _error(conn_id, push.request_id, why)
            return [refusal, *self._catch_up(conn_id, connection)]
        batch = tuple(StoredEvent(event=e, created_at=repeat.created_at) for e in rest)
        self._accepted = batch[-1].event.seq_num
        self._appending.append(_Appending(conn_id, push.request_id, batch))
        return [Append(batch)]

    def _next_read(self, conn_id: ConnId, connection: Connection) -> list[Effect]:
        effects: list[Effect] = []
        while connection.waiting and connection.reading is None:
            match connection.waiting.popleft():
                case Repeat() as repeat:
                    start = self._start_comparison(conn_id, connection, repeat)
                case pull:
                    start = self._start_pull(conn_id, connection, pull)
            effects.extend(start)
        effects.extend(self._catch_up(conn_id, connection))
        return effects

    def _catch_up(self, conn_id: ConnId, connection: Connection) -> list[Effect]:
        sent = connection.sent
        if connection.reading is not None or sent is None or sent >= self._stored:
            return []
        connection.reading = Reading("push", _CATCH_UP, sent, self._stored)
        return [Read(conn_id, sent, self._stored)]

    def _broadcast(self, append: _Appending) -> Iterator[Effect]:
        parent = append.batch[0].event.parent_seq_num
        text = _broadcast_text(append, append.batch)
        for conn_id, connection in self._connections.items():
            sent = connection.sent
            if connection.reading is not None or sent is None or sent >= self._stored:
                continue
            if sent > parent:
                part = append.batch[sent - parent :]
                yield Send(conn_id, _broadcast_text(append, part))
            else:
                yield Send(conn_id, text)
            connection.sent = self._stored

    def _oldest_append(self) -> _Appending:
        if not self._appending:
            raise UsageError("no Append is waiting to be stored")
        return self._appending[0]

    def _parts(
        self, events: Sequence[StoredEvent]
    ) -> Iterator[tuple[StoredEvent, ...]]:
        part: list[StoredEvent] = []
        size = 0
        for event in events:
            if part and (
                len(part) == self._limits.pull_chunk_events
                or size >= self._limits.pull_chunk_bytes
            ):
                yield tuple(part)
                part, size = [], 0
            part.append(event)
            size += len(event.event.args_text or "")
        if part:
            yield tuple(part)

    def _is_too_long(self, text: str) -> bool:
        limit = self._limits.max_message_bytes
        if len(text) > limit:
            return True
        return not text.isascii() and len(text.encode(errors="replace")) > limit


def _answer(reading: Reading, batch: Sequence[StoredEvent]) -> PullRes:
    last = batch[-1].event.seq_num if batch else reading.up_to
    return PullRes(
        batch=tuple(batch),
        context=reading.context,
        request_id=reading.request_id,
        # A catch-up looks like a broadcast, and each of these is complete in itself.
        remaining=reading.up_to - last if reading.context == "pull" else 0,
    )


def _broadcast_text(append: _Appending, batch: tuple[StoredEvent, ...]) -> str:
    return encode_message(
        PullRes(batch=batch, context="push", request_id=append.request_id, remaining=0)
    )


def _send(conn_id: ConnId, message: Message) -> Send:
    return Send(conn_id, encode_message(message))


def _error(conn_id: ConnId, request_id: str, message: str) -> Send:
    return _send(conn_id, ErrorRes(request_id=request_id, message=message))
