"""The sync server of one store, without sockets, files or a clock.

The room decides what happens; an edge owns the sockets and the log and does what the
room's effects say. So every rule of the protocol can be tested without either of them.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from ._envelope import LoggedEvent
from ._errors import UsageError, WireError
from ._limits import Limits
from ._messages import (
    AdminInfoReq,
    AdminResetRoomReq,
    Failure,
    Message,
    Ping,
    Pong,
    PullAck,
    PullReq,
    PullRes,
    PushReq,
    StopPull,
    StoredEvent,
)
from ._receiver import KnownClient
from ._room_connection import Connection
from ._room_effects import Close, ConnId, Effect
from ._room_log import Appending, RoomLog
from ._room_pushes import NO_PULL, Pushes
from ._room_readings import Readings, check_order, wake_with
from ._room_receivers import Receivers
from ._wire import Wire
from ._wire_v03 import WIRE_V03

# Changes no table: it updates the displays of an id that nothing has.
_NUDGE: Final = "v1.MultimediaDisplayOutputUpdated"
_NUDGE_ARGS: Final = '{"displayId":"runt-sync","representations":{}}'
_SERVER_ID: Final = "runt-sync"


class SyncRoom:
    r"""Everybody who is connected to one store, and the order of its log.

    An edge drives it like this (`perform` never waits, so frames keep their order):

        room = SyncRoom(head=log.head())

        def perform(effects):
            for effect in effects:
                match effect:
                    case Send(conn_id, text):       # a bounded queue; full: disconnect
                        outbox[conn_id].put(text)   # with a probe: see `delivered`
                    case Append(events):            # one task commits them in order
                        appends.put(events)
                    case Read(conn_id, after, up_to):
                        nursery.start_soon(stream, conn_id, after, up_to)
                    case Close(conn_id, reason):    # after what it is to be sent
                        outbox[conn_id].close(reason)
                    case Remember(client):          # for the next room of this store
                        known[client.pull_id] = client
                    case Forget(pull_id):
                        known.pop(pull_id, None)

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
        perform(room.delivered(conn_id, probe))     # the Pong behind a probe has come
        perform(room.disconnect(conn_id))           # also when a read has failed

    While a Read is under way for a connection, broadcasts for it are held back and read
    from the log afterwards: a slow client costs one chunk of memory, not a queue.

    Args:
        head: The number of the last event in the log, 0 for an empty one.
        limits: What the room accepts and how it cuts its answers.
        backend_id: A name for the log that no other log has ever had, not even one that
            took the place of this one. 0.4 clients give up on a log of another name.
        known: What earlier rooms of this store asked to remember and not to forget,
            in the order of asking.
    """

    def __init__(
        self,
        head: int,
        *,
        limits: Limits | None = None,
        backend_id: str = "",
        known: Iterable[KnownClient] = (),
    ) -> None:
        self._limits = limits or Limits()
        self._log = RoomLog(head, backend_id)
        self._connections: dict[ConnId, Connection] = {}
        self._readings = Readings(self._log, self._limits)
        self._receivers = Receivers(
            self._log, self._limits, self._readings, self._connections, known
        )
        self._pushes = Pushes(self._log, self._readings, self._receivers)

    @property
    def head(self) -> int:
        """The number of the last event that is stored."""
        return self._log.stored

    @property
    def is_empty(self) -> bool:
        """Whether nobody is connected and nothing waits to be stored."""
        return not self._connections and not self._log.is_appending

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
        self._connections[conn_id] = Connection(conn_id, wire, self._log.stored)

    def disconnect(
        self, conn_id: ConnId, *, answer_is_due: bool = False
    ) -> list[Effect]:
        """Forget a socket; what it pushed is stored nevertheless.

        Args:
            conn_id: The connection; one that has left already is no error.
            answer_is_due: Whether a probe was sent a moment ago, and none before it is
                unanswered, so that the frames before it may have come nevertheless.

        Returns:
            What the edge has to do, in this order.
        """
        connection = self._connections.pop(conn_id, None)
        if connection is None:
            return []
        if connection.receiver is not None:
            connection.receiver.is_due = answer_is_due
        return self._receivers.remember(connection)

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

    def delivered(self, conn_id: ConnId, probe: int) -> list[Effect]:
        """Take note that a client's WebSocket has what was sent up to a probe.

        Args:
            conn_id: The connection; one that has left is no error.
            probe: The number of the `Send`.

        Returns:
            What the edge has to do, in this order.
        """
        connection = self._connections.get(conn_id)
        if connection is None:
            return []
        return self._receivers.confirm(connection, probe)

    def appended(self) -> list[Effect]:
        """Take note that the oldest Append is stored for good.

        Returns:
            The acknowledgement and the broadcasts.

        Raises:
            UsageError: No Append is waiting.
        """
        append = self._log.take_stored()
        effects: list[Effect] = []
        if append.receiver is not None:
            receiver, request_id = append.receiver, append.request_id
            effects += self._receivers.note_stored(receiver, request_id)
        pusher = self._connections.get(append.conn_id)
        if pusher is not None:
            effects += pusher.acknowledge(append.request_id)
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
        why = f"The events could not be stored: {reason}"
        return [
            effect
            for append in self._log.take_failed()
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
        check_order(reading, events)
        if reading.repeat is not None:
            return self._pushes.compare(connection, reading, reading.repeat, events)
        return self._readings.send_chunk(connection, reading, events)

    def _respond(
        self, connection: Connection, message: Message, created_at: str
    ) -> list[Effect]:
        match message:
            case Ping():
                return self._receive_ping(connection, created_at)
            case Pong() | PullAck() | Failure():
                return []  # what goes out slowly is held back by its socket
            case StopPull():
                return self._readings.stop_pull(connection, message)
            case PullReq():
                return self._readings.receive_pull(connection, message)
            case PushReq():
                return self._pushes.receive(connection, message, created_at)
            case AdminInfoReq() | AdminResetRoomReq():
                why = "This server takes no admin messages"
            case _:
                why = f"{type(message).__name__} is no message for a server"
        return connection.refuse(message.request_id, why)

    def _receive_ping(self, connection: Connection, created_at: str) -> list[Effect]:
        is_first = not connection.has_pinged
        connection.has_pinged = True
        if connection.is_silent:
            effects = self._receivers.receive_ping(connection, is_first=is_first)
            nudge = [] if is_first else self._nudge(connection, created_at)
            return effects + nudge
        is_lost = connection.wire.is_streamed and not connection.has_pulled
        if is_lost and not is_first:
            return [*connection.send(Pong()), Close(connection.conn_id, NO_PULL)]
        return connection.send(Pong())

    def _nudge(self, connection: Connection, created_at: str) -> list[Effect]:
        """Let something happen, for a client that may wait for that.

        A LiveStore 0.3 client whose push was lost pushes again when an event of
        somebody else comes. In a notebook where nobody else does anything, none does.
        """
        log = self._log
        is_asleep = any(c.sent == c.began for c in connection.candidates)
        if not is_asleep or log.accepted > log.stored or connection.reading is not None:
            return []
        event = LoggedEvent(
            name=_NUDGE,
            args_text=_NUDGE_ARGS,
            seq_num=log.stored + 1,
            parent_seq_num=log.stored,
            client_id=_SERVER_ID,
            session_id=_SERVER_ID,
        )
        batch = (StoredEvent(event=event, created_at=created_at),)
        return [log.accept(Appending(None, _SERVER_ID, batch))]

    def _broadcast(self, append: Appending) -> list[Effect]:
        stored = self._log.stored
        parent = append.batch[0].event.parent_seq_num
        texts: dict[tuple[str, str, int], str] = {}
        effects: list[Effect] = []
        for connection in self._connections.values():
            if connection.reading is None and connection.candidates:
                effects += wake_with(connection, append.batch)
            sent = connection.sent
            if connection.reading is not None or sent is None or sent >= stored:
                continue
            wire = connection.wire
            name = connection.stream if wire.is_streamed else append.request_id
            known = max(sent - parent, 0)
            key = (wire.version, name or "", known)
            if key not in texts:
                texts[key] = self._broadcast_text(wire, name or "", append, known)
            effects += connection.send_events(texts[key], stored)
        return effects

    def _broadcast_text(
        self, wire: Wire, request_id: str, append: Appending, known: int
    ) -> str:
        broadcast = PullRes(
            batch=append.batch[known:],
            context="push",
            request_id=request_id,
            remaining=0,
            backend_id=self._log.backend_id,
        )
        return wire.encode(broadcast) or ""

    def _is_too_long(self, text: str) -> bool:
        limit = self._limits.max_message_bytes
        if len(text) > limit:
            return True
        return not text.isascii() and len(text.encode(errors="replace")) > limit
