"""The sync server of one store, without sockets, files or a clock.

The room decides what happens; an edge owns the sockets and the log and does what the
room's effects say. So every rule of the protocol can be tested without either of them.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from ._errors import UsageError, WireError
from ._limits import Limits
from ._messages import (
    AdminInfoReq,
    AdminResetRoomReq,
    Failure,
    LogTooShort,
    Message,
    OtherLog,
    Ping,
    Pong,
    PullAck,
    PullEnd,
    PullReq,
    PullRes,
    PushAck,
    PushReq,
    StopPull,
    StoredEvent,
)
from ._push_check import malformed, stale
from ._room_answers import answer, parts
from ._room_connection import Connection, Reading, Repeat
from ._room_effects import Append, Close, ConnId, Effect, Read, Send
from ._wire import Wire
from ._wire_v03 import WIRE_V03

# What the server calls a PullRes with which it makes up for missed broadcasts.
_CATCH_UP: Final = "catch-up"
# The real 0.4 client opens a new socket when a Pong is missing, but never pulls on it;
# when a socket is closed it does.
_NO_PULL: Final = "reconnect and pull"


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
                    case Close(conn_id, reason):    # after what it is to be sent
                        outbox[conn_id].close(reason)

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
        backend_id: A name for the log that no other log has ever had, not even one that
            took the place of this one. 0.4 clients give up on a log of another name.
    """

    def __init__(
        self, head: int, *, limits: Limits | None = None, backend_id: str = ""
    ) -> None:
        self._limits = limits or Limits()
        self._backend_id = backend_id
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

    def connect(self, conn_id: ConnId, wire: Wire = WIRE_V03) -> None:
        """Let a socket in.

        Args:
            conn_id: A name for it that no other socket of this room has had.
            wire: What it speaks.

        Raises:
            UsageError: A connection of that name stands.
        """
        if conn_id in self._connections:
            raise UsageError(f"the connection {conn_id!r} is in the room already")
        self._connections[conn_id] = Connection(conn_id, wire)

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
            why = f"A message may have {limit:,} bytes at most"
            return connection.refuse("", why)
        try:
            message = connection.wire.decode(text)
        except WireError as error:
            request_id = connection.wire.request_id_of(text)
            return connection.refuse(request_id, f"Invalid message: {error}")
        return self._respond(connection, message, created_at)

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
        pusher = self._connections.get(append.conn_id)
        if pusher is not None:
            effects += pusher.send(PushAck(request_id=append.request_id))
        return effects + self._broadcast(append)

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
            effect
            for append in failed
            if (pusher := self._connections.get(append.conn_id)) is not None
            for effect in pusher.refuse(append.request_id, why)
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
            return self._compare(connection, reading, reading.repeat, events)
        effects: list[Effect] = []
        for part in parts(events, self._limits):
            reading.sent = part[-1].event.seq_num
            if not reading.stopped:
                effects += connection.send(answer(reading, part, self._backend_id))
        if reading.live and not reading.stopped:
            connection.sent = max(connection.sent or 0, reading.sent)
        if reading.sent == reading.up_to:
            connection.reading = None
            effects += _end(connection, reading)
            effects += self._next_read(connection)
        return effects

    def _respond(
        self, connection: Connection, message: Message, created_at: str
    ) -> list[Effect]:
        match message:
            case Ping():
                return self._receive_ping(connection)
            case Pong() | PullAck() | Failure():
                return []  # what goes out slowly is held back by its socket
            case StopPull():
                return self._stop_pull(connection, message)
            case PullReq():
                return self._receive_pull(connection, message)
            case PushReq():
                return self._receive_push(connection, message, created_at)
            case AdminInfoReq() | AdminResetRoomReq():
                why = "This server takes no admin messages"
            case _:
                why = f"{type(message).__name__} is no message for a server"
        return connection.refuse(message.request_id, why)

    def _receive_ping(self, connection: Connection) -> list[Effect]:
        is_lost = connection.wire.is_streamed and not connection.has_pulled
        if is_lost and connection.has_pinged:
            return [*connection.send(Pong()), Close(connection.conn_id, _NO_PULL)]
        connection.has_pinged = True
        return connection.send(Pong())

    def _receive_pull(self, connection: Connection, pull: PullReq) -> list[Effect]:
        connection.has_pulled = True
        if connection.reading is None:
            return self._start_pull(connection, pull)
        if len(connection.waiting) >= self._limits.max_waiting_pulls:
            why = "Too many pulls at once on this connection"
            return connection.refuse(pull.request_id, why)
        connection.waiting.append(pull)
        return []

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
        reading = Reading("pull", pull.request_id, cursor, self._stored, pull.live)
        if cursor == self._stored:
            effects += connection.send(answer(reading, (), self._backend_id))
            return effects + _end(connection, reading)
        connection.reading = reading
        return [*effects, Read(connection.conn_id, cursor, self._stored)]

    def _why_not(self, pull: PullReq, cursor: int) -> LogTooShort | OtherLog | None:
        """Tell whether the client holds a log that is not this one.

        An empty answer, which the real servers give where the cursor is beyond the
        head, would let it wait for events that never come.
        """
        if cursor <= self._stored:
            return self._other_log(pull.backend_id)
        if pull.backend_id is not None:
            return OtherLog(expected=self._backend_id, received=pull.backend_id)
        return LogTooShort(head=self._stored, cursor=cursor)

    def _other_log(self, backend_id: str | None) -> OtherLog | None:
        if backend_id in {None, self._backend_id}:
            return None
        return OtherLog(expected=self._backend_id, received=backend_id or "")

    def _stop_pull(self, connection: Connection, stop: StopPull) -> list[Effect]:
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

    def _receive_push(
        self, connection: Connection, push: PushReq, created_at: str
    ) -> list[Effect]:
        if not push.batch:
            return connection.send(PushAck(request_id=push.request_id))
        why = malformed(push.batch) or self._other_log(push.backend_id)
        if why is not None:
            return connection.refuse(push.request_id, why)
        parent = push.batch[0].parent_seq_num
        if connection.sent is None and not connection.wire.is_streamed:
            connection.sent = parent
        repeat = Repeat(push, created_at)
        if parent >= self._stored:
            return self._finish_push(connection, repeat, known=0)
        if connection.reading is None:
            return self._start_comparison(connection, repeat)
        if any(isinstance(request, Repeat) for request in connection.waiting):
            # No client has two pushes under way, and each may be large.
            return self._finish_push(connection, repeat, known=0)
        connection.waiting.append(repeat)
        return []

    def _start_comparison(self, connection: Connection, repeat: Repeat) -> list[Effect]:
        """Read what the log holds in the place of a push.

        The JavaScript client repeats a push when it is loaded again before it knew that
        the push was stored. An Error would end its pushing: what it then pulls are its
        own events, and only foreign ones make it push again.
        """
        batch = repeat.push.batch
        parent = batch[0].parent_seq_num
        up_to = min(batch[-1].seq_num, self._stored)
        connection.reading = Reading("push", _CATCH_UP, parent, up_to, repeat=repeat)
        return [Read(connection.conn_id, parent, up_to)]

    def _compare(
        self,
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
        effects = self._finish_push(connection, repeat, known=reading.known)
        return effects + self._next_read(connection)

    def _finish_push(
        self, connection: Connection, repeat: Repeat, *, known: int
    ) -> list[Effect]:
        """Store a push, except for those of its first events that are stored."""
        push = repeat.push
        rest = push.batch[known:]
        ahead = stale(rest, self._accepted) if rest else None
        if (known or ahead is not None) and not connection.wire.is_streamed:
            # What the client lacks follows, and nothing twice: one event that comes
            # again ends the syncing of a 0.3 client for good.
            parent = push.batch[0].parent_seq_num
            connection.sent = max(connection.sent or 0, parent)
        if not rest:
            return connection.send(PushAck(request_id=push.request_id))
        if ahead is not None:
            refusal = connection.refuse(push.request_id, ahead)
            return refusal + self._heal(connection)
        batch = tuple(StoredEvent(event=e, created_at=repeat.created_at) for e in rest)
        self._accepted = batch[-1].event.seq_num
        self._appending.append(_Appending(connection.conn_id, push.request_id, batch))
        return [Append(batch)]

    def _heal(self, connection: Connection) -> list[Effect]:
        """Help a JavaScript client on, which waits for events after a stale push.

        What a 0.4 client lacks is on its way, if it has pulled.
        """
        if connection.wire.is_streamed and not connection.has_pulled:
            return [Close(connection.conn_id, _NO_PULL)]
        return self._catch_up(connection)

    def _next_read(self, connection: Connection) -> list[Effect]:
        effects: list[Effect] = []
        while connection.waiting and connection.reading is None:
            match connection.waiting.popleft():
                case Repeat() as repeat:
                    effects += self._start_comparison(connection, repeat)
                case pull:
                    effects += self._start_pull(connection, pull)
        return effects + self._catch_up(connection)

    def _catch_up(self, connection: Connection) -> list[Effect]:
        sent = connection.sent
        if connection.reading is not None or sent is None or sent >= self._stored:
            return []
        name = connection.stream if connection.wire.is_streamed else _CATCH_UP
        connection.reading = Reading("push", name or "", sent, self._stored)
        return [Read(connection.conn_id, sent, self._stored)]

    def _broadcast(self, append: _Appending) -> list[Effect]:
        parent = append.batch[0].event.parent_seq_num
        texts: dict[tuple[str, str, int], str] = {}
        effects: list[Effect] = []
        for connection in self._connections.values():
            sent = connection.sent
            if connection.reading is not None or sent is None or sent >= self._stored:
                continue
            wire = connection.wire
            name = connection.stream if wire.is_streamed else append.request_id
            known = max(sent - parent, 0)
            key = (wire.version, name or "", known)
            if key not in texts:
                texts[key] = self._broadcast_text(wire, name or "", append, known)
            effects.append(Send(connection.conn_id, texts[key]))
            connection.sent = self._stored
        return effects

    def _broadcast_text(
        self, wire: Wire, request_id: str, append: _Appending, known: int
    ) -> str:
        broadcast = PullRes(
            batch=append.batch[known:],
            context="push",
            request_id=request_id,
            remaining=0,
            backend_id=self._backend_id,
        )
        return wire.encode(broadcast) or ""

    def _oldest_append(self) -> _Appending:
        if not self._appending:
            raise UsageError("no Append is waiting to be stored")
        return self._appending[0]

    def _is_too_long(self, text: str) -> bool:
        limit = self._limits.max_message_bytes
        if len(text) > limit:
            return True
        return not text.isascii() and len(text.encode(errors="replace")) > limit


def _end(connection: Connection, reading: Reading) -> list[Effect]:
    if reading.live or reading.stopped:
        return []
    return connection.send(PullEnd(request_id=reading.request_id))
