"""A sync client without sockets, clock or randomness.

It keeps the order of two kinds of events: those that the server has stored, which it
hands out once each and in ascending order, and its own that are not confirmed yet.
"""

from collections.abc import Sequence

import msgspec

import runt_protocol._messages as msg

from ._backoff import Backoff
from ._envelope import EncodedEvent, LoggedEvent
from ._errors import OtherLogError, UsageError, WireError
from ._heartbeat import Heartbeat
from ._limits import Limits
from ._log_check import LogCheck
from ._pending import PendingEvents
from ._phase import Phase, Step, next_phase
from ._pusher import Pusher
from ._updates import Update
from ._wire import Wire
from ._wire_v03 import WIRE_V03


class SyncClient:
    """One client of one store.

    Its owner drives it with what happens and the time, and does what it asks for:

        client = SyncClient(client_id="agent", session_id=token_hex(8))
        while True:
            sleep_until(client.next_deadline())         # when to connect
            try:
                socket = connect(url)
            except OSError:
                client.connection_lost(now(), jitter=random())
                continue
            client.connection_opened(now())
            while client.close_reason is None:
                for frame in client.data_to_send():     # also after each commit
                    socket.send(frame)
                frame = socket.receive(until=client.next_deadline())
                if frame is None:
                    client.handle_timeout(now())
                else:
                    client.receive_text(frame, now())   # returns what is new
            client.connection_lost(now(), jitter=random())

    Args:
        client_id: A name for the client.
        session_id: A name for this run of it. The two together have to be new: events
            are recognised by them as our own.
        cursor: The number of the last event that the owner has from an earlier run.
        limits: Sizes and times.
        wire: What the server speaks; `use_wire` changes it.
    """

    def __init__(
        self,
        *,
        client_id: str,
        session_id: str,
        cursor: int = 0,
        limits: Limits | None = None,
        wire: Wire = WIRE_V03,
    ) -> None:
        self._limits = limits or Limits()
        self._wire = wire
        self._pending = PendingEvents(client_id, session_id, self._limits, wire)
        self._pusher = Pusher(self._pending, self._limits)
        self._session_id = session_id
        self._head = cursor
        self._log_check = LogCheck(cursor, self._limits)
        self._phase = Phase.OFFLINE
        self._synced = False
        self._requests = 0
        self._outbox: list[msg.Message] = []
        self._close_reason: str | None = None
        self._last_error: str | None = None
        # Connecting:
        self._reconnects = Backoff(self._limits)
        self._reconnect_at = 0.0
        self._heartbeat = Heartbeat(0.0, self._limits)
        self._pongs_without_answer = 0
        # Pulling: broadcasts that cannot be placed yet. Those that came before the pull
        # was sent are in its answer, or the log has a gap there.
        self._pull_id = ""
        self._backend_id: str | None = None
        self._remaining: int | None = None
        self._gap: tuple[int, int] | None = None
        self._before_pull: list[LoggedEvent] = []
        self._during_pull: list[LoggedEvent] = []

    @property
    def head(self) -> int:
        """The number of the last event of the log that this client has."""
        return self._head

    @property
    def phase(self) -> Phase:
        """Where the client stands with its server."""
        return self._phase

    @property
    def synced(self) -> bool:
        """Whether a pull has ever reached the head of the log."""
        return self._synced

    @property
    def pending_count(self) -> int:
        """How many of our events the server has not confirmed."""
        return len(self._pending)

    @property
    def close_reason(self) -> str | None:
        """Why the owner has to close the connection now, or None."""
        return self._close_reason

    @property
    def last_error(self) -> str | None:
        """What the server said when it last refused something, or None."""
        return self._last_error

    def commit(self, *events: EncodedEvent) -> list[int]:
        """Queue events for the log, all or none.

        Returns:
            A ticket for each, in ascending order.

        Raises:
            EventTooLargeError: One is larger than a push may be.
        """
        return self._pending.add(events)

    def is_confirmed(self, ticket: int) -> bool:
        """Tell whether the server has stored an event of ours.

        Args:
            ticket: What `commit` returned.
        """
        return self._pending.is_confirmed(ticket)

    def use_wire(self, wire: Wire) -> None:
        """Speak to the server in another way from the next connection on.

        Raises:
            UsageError: A connection is open.
        """
        if self._phase is not Phase.OFFLINE:
            raise UsageError("the wire cannot be exchanged while a connection is open")
        self._wire = wire
        self._pending.use_wire(wire)

    def connection_opened(self, now: float) -> None:
        """Take note of a new connection.

        Args:
            now: The time, in seconds of any steady clock.

        Raises:
            UsageError: A connection is open.
        """
        self._phase = next_phase(self._phase, Step.OPENED)
        self._close_reason = None
        self._heartbeat = Heartbeat(now, self._limits)
        self._pull_id = ""
        self._log_check.start()
        self._send_pull()
        self._outbox.append(msg.Ping())

    def connection_lost(self, now: float, *, jitter: float) -> None:
        """Take note that a connection has ended or could not be opened.

        Args:
            now: The time, in seconds of any steady clock.
            jitter: A random number from 0 to 1, which keeps the clients of a restarted
                server apart.
        """
        self._phase = next_phase(self._phase, Step.LOST)
        self._outbox.clear()
        self._before_pull.clear()
        self._during_pull.clear()
        self._pusher.connection_lost()
        self._reconnect_at = now + self._reconnects.failed() * (0.5 + jitter / 2)

    def next_deadline(self) -> float:
        """Return the time to connect (offline) or to call `handle_timeout` (online)."""
        if self._phase is Phase.OFFLINE:
            return self._reconnect_at
        deadline, push_at = self._heartbeat.deadline, self._pusher.deadline
        return deadline if push_at is None else min(deadline, push_at)

    def handle_timeout(self, now: float) -> None:
        """Do what is due; too early a call is harmless.

        Args:
            now: The time, in seconds of any steady clock.
        """
        if self._phase is Phase.OFFLINE:
            return
        self._pusher.handle_timeout(now)
        if self._heartbeat.is_overdue(now):
            self._close("the server does not answer a Ping")
        elif self._heartbeat.start_ping(now):
            self._outbox.append(msg.Ping())

    def data_to_send(self) -> list[str]:
        """Return the frames to be sent now; each is returned once."""
        if self._close_reason is not None:
            return []
        messages, self._outbox = self._outbox, []
        push = self._next_push()
        if push is not None:
            messages.append(push)
        frames = map(self._wire.encode, messages)
        return [frame for frame in frames if frame is not None]

    def receive_text(self, text: str, now: float) -> list[Update]:
        """Take in a frame from the server.

        Args:
            text: The text frame.
            now: The time, in seconds of any steady clock.

        Returns:
            What it says about the log, in the order of the log.

        Raises:
            WireError: The frame is no message for a client. It is safe to go on: in
                case the frame held events, the client pulls.
            OtherLogError: The server has another log than the one that this client has
                followed. Every further connection would end in the same way.
            UsageError: There is no connection.
        """
        if self._phase is Phase.OFFLINE:
            raise UsageError("a frame came without a connection")
        self._heartbeat.receive_frame(now)
        try:
            message = self._wire.decode(text)
        except WireError:
            self._start_pull()
            raise
        try:
            return self._receive(message, now)
        except OtherLogError as error:
            self._close(str(error))
            raise

    def _receive(self, message: msg.Message, now: float) -> list[Update]:
        match message:
            case msg.PullRes(context="push"):
                return self._receive_broadcast([s.event for s in message.batch])
            case msg.PullRes():
                return self._receive_pulled(message, now)
            case msg.PushAck():
                return self._receive_ack(message)
            case msg.ErrorRes() | msg.PullEnd() | msg.Failure():
                self._receive_refusal(message)
            case msg.Pong():
                self._receive_pong(now)
            case msg.Ping():
                self._outbox.append(msg.Pong())
            case _:
                raise WireError(f"{type(message).__name__} is no message for a client")
        return []

    def _receive_broadcast(self, events: Sequence[LoggedEvent]) -> list[Update]:
        if self._phase is Phase.PULLING:
            self._during_pull.extend(events)
            return []
        updates: list[Update] = []
        for position, event in enumerate(events):
            if event.seq_num > self._head + 1:
                # Events are missing, unless the log itself has a gap here.
                self._before_pull.extend(events[position:])
                self._start_pull()
                break
            updates += self._accept(event)
        return updates

    def _receive_pulled(self, answer: msg.PullRes, now: float) -> list[Update]:
        if answer.request_id != self._pull_id:
            return []
        if self._wire.is_streamed:
            self._outbox.append(msg.PullAck(request_id=answer.request_id))
            self._backend_id = answer.backend_id
            if self._phase is Phase.LIVE:
                return self._receive_broadcast([s.event for s in answer.batch])
            if self._leaves_gap(answer):
                self._set_aside(answer)
                return []
        elif self._phase is not Phase.PULLING:
            return []
        self._remaining = answer.remaining
        self._pongs_without_answer = 0
        if not self._is_same_log(answer):
            return []
        updates: list[Update] = []
        for stored in answer.batch:
            updates += self._accept(stored.event)
        if answer.remaining == 0:
            updates += self._finish_pull(now)
        return updates

    def _leaves_gap(self, answer: msg.PullRes) -> bool:
        """Tell whether events are missing before what looks like the end of a pull.

        A gap that comes back in another pull is one of the log itself.
        """
        if answer.remaining or not answer.batch:
            return False
        first = answer.batch[0].event.seq_num
        return first > self._log_check.wanted and self._gap != (self._head, first)

    def _is_same_log(self, answer: msg.PullRes) -> bool:
        is_same = self._log_check.check(
            [stored.event for stored in answer.batch],
            is_end=answer.remaining == 0,
            pending_count=self.pending_count,
        )
        if not is_same:
            self._close(f"the server's log does not hold event {self._head}")
        return is_same

    def _set_aside(self, answer: msg.PullRes) -> None:
        """Keep what may be a broadcast: these overtake a pull, and look the same."""
        self._during_pull.extend(stored.event for stored in answer.batch)
        if self._remaining in {None, len(answer.batch)}:  # it may be the end as well
            self._gap = (self._head, answer.batch[0].event.seq_num)
            self._send_pull()

    def _finish_pull(self, now: float) -> list[Update]:
        self._phase = next_phase(self._phase, Step.PULLED)
        self._synced = True
        self._reconnects.succeeded()
        updates: list[Update] = []
        before, self._before_pull = self._before_pull, []
        for event in sorted(before, key=_seq_num):
            updates += self._accept(event)
        during, self._during_pull = self._during_pull, []
        updates += self._receive_broadcast(sorted(during, key=_seq_num))
        self._pusher.pull_ended(self._head, now)
        return updates

    def _accept(self, event: LoggedEvent) -> list[Update]:
        if event.seq_num <= self._head:
            return []
        update = self._pusher.receive_event(event, self._head)
        self._follow(event)
        return [update]

    def _follow(self, event: LoggedEvent) -> None:
        self._head = event.seq_num
        self._log_check.follow(event)

    def _receive_ack(self, ack: msg.PushAck) -> list[Update]:
        confirmed = self._pusher.receive_ack(ack.request_id, self._head)
        if confirmed is None:
            self._start_pull()
            return []
        for update in confirmed:
            self._follow(update.event)
        return confirmed

    def _receive_refusal(
        self, message: msg.ErrorRes | msg.PullEnd | msg.Failure
    ) -> None:
        match message:
            case msg.ErrorRes():
                self._receive_error(message)
            case msg.PullEnd():
                self._receive_end(message)
            case msg.Failure(message=reason):
                self._last_error = reason
                self._close(f"the server has failed: {reason}")

    def _receive_error(self, error: msg.ErrorRes) -> None:
        self._last_error = error.message
        cause = error.cause
        if isinstance(cause, msg.OtherLog) and cause.expected != cause.received:
            raise self._log_check.other_log("has another id", self.pending_count)
        is_pulling = self._phase is Phase.PULLING or self._wire.is_streamed
        if is_pulling and error.request_id == self._pull_id:
            if isinstance(cause, msg.LogTooShort):
                finding = f"ends at event {cause.head:,}"
                self._log_check.note_short_log(finding, self.pending_count)
            elif isinstance(cause, msg.OtherLog):
                self._log_check.note_short_log("ends before that", self.pending_count)
            self._close(f"the server refuses a pull: {error.message}")
            return
        if self._pusher.receive_error(error.request_id, self._head):
            self._start_pull()

    def _receive_end(self, end: msg.PullEnd) -> None:
        if end.request_id == self._pull_id:
            self._close("the server ends its stream of events")
        elif self._pusher.receive_end(end.request_id):
            self._start_pull()

    def _receive_pong(self, now: float) -> None:
        self._heartbeat.receive_pong(now)
        if self._phase is Phase.LIVE and not self._pusher.awaits_answer:
            self._pongs_without_answer = 0
            return
        self._pongs_without_answer += 1
        if self._pongs_without_answer > self._limits.max_unanswered_pings:
            self._close("the server answers a Ping but no request")

    def _next_push(self) -> msg.PushReq | None:
        if self._phase is not Phase.LIVE or not self._pusher.is_due:
            return None
        self._pongs_without_answer = 0
        request_id = self._next_request_id()
        return self._pusher.start(request_id, self._head, self._backend_id)

    def _start_pull(self) -> None:
        if self._phase is Phase.LIVE:
            self._phase = next_phase(self._phase, Step.PULL)
            self._send_pull()

    def _send_pull(self) -> None:
        if self._pull_id:
            self._outbox.append(msg.StopPull(request_id=self._pull_id))
        self._pull_id = self._next_request_id()
        self._pongs_without_answer = 0
        self._remaining = None
        pull = msg.PullReq(
            request_id=self._pull_id,
            cursor=self._log_check.wanted - 1 if self._head else msgspec.UNSET,
            backend_id=self._backend_id,
        )
        self._outbox.append(pull)

    def _next_request_id(self) -> str:
        self._requests += 1
        return self._wire.name_request(self._session_id, self._requests)

    def _close(self, reason: str) -> None:
        self._close_reason = reason


def _seq_num(event: LoggedEvent) -> int:
    return event.seq_num
