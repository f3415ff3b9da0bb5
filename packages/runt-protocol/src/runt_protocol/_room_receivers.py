"""Which LiveStore 0.3 clients a sync room can bring back, and how.

Such a client says nothing of itself when it connects again, unless it has something to
push. So the room tells the silent socket what each of the clients that it may be lacks,
every one by its own address: the client hears what is meant for it and nothing else.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from ._limits import Limits
from ._messages import Pong, PushReq
from ._receiver import KnownClient, Receiver, as_known
from ._room_connection import Connection
from ._room_effects import ConnId, Effect, Forget, Remember
from ._room_log import RoomLog
from ._room_readings import Readings


class Receivers:
    """Remembers clients whose connections have ended.

    Args:
        log: The log's end.
        limits: How many clients are remembered, and how much a silent socket is told.
        readings: What reads the log for connections.
        connections: All connections of the room.
        known: Clients to remember from before; the last one was heard of last.
    """

    def __init__(
        self,
        log: RoomLog,
        limits: Limits,
        readings: Readings,
        connections: Mapping[ConnId, Connection],
        known: Iterable[KnownClient],
    ) -> None:
        self._log = log
        self._limits = limits
        self._readings = readings
        self._connections = connections
        self._lost = {client.pull_id: as_known(client) for client in known}
        self._waking: set[ConnId] = set()

    def remember(self, connection: Connection) -> list[Effect]:
        """Take note that a connection has ended, and is none of the room's any more."""
        self._waking.discard(connection.conn_id)
        receiver = connection.receiver
        gone: list[str] = []
        if receiver is not None and connection.is_suspected:
            gone.append(receiver.pull_id)
        elif receiver is not None:
            self._lost.pop(receiver.pull_id, None)
            self._lost[receiver.pull_id] = receiver
            gone += list(self._lost)[: -self._limits.max_lost_receivers]
        elif connection.is_woken:
            gone += [candidate.pull_id for candidate in connection.candidates]
        return [*self._forget(gone), *self._wake_the_ready()]

    def receive_ping(self, connection: Connection, *, is_first: bool) -> list[Effect]:
        """Answer a Ping of a connection that has said nothing else.

        A client that has something to push does so right behind its first one, before
        our answer is there. Then there is no need to guess.
        """
        if not is_first:
            late = self._give_up_on(connection) or self._wake_late(connection)
            return [*connection.send(Pong()), *late]
        probes = [
            other.probe(Pong())
            for other in self._connections.values()
            if other is connection or other.receiver is not None or other.is_woken
        ]
        connection.probed = {probe.conn_id: probe.probe or 0 for probe in probes}
        self._waking.add(connection.conn_id)
        return list(probes)

    def confirm(self, connection: Connection, probe: int) -> list[Effect]:
        """Take note that something has come to a client."""
        was_woken = connection.is_woken
        connection.confirm(probe)
        receiver = connection.receiver
        effects: list[Effect] = []
        if connection.is_woken and not was_woken:
            # The next room must not count on what this one knows.
            effects += [
                Forget(candidate.pull_id) for candidate in connection.candidates
            ]
        if receiver is not None and not connection.is_suspected:
            effects.append(Remember(receiver.known()))
        return effects + self._wake_the_ready()

    def _wake_the_ready(self) -> list[Effect]:
        return [
            effect
            for conn_id in list(self._waking)
            for effect in self._wake_if_ready(self._connections[conn_id])
        ]

    def _wake_if_ready(self, connection: Connection) -> list[Effect]:
        if not connection.is_silent:
            self._waking.discard(connection.conn_id)
            return []
        alive = self._alive(connection)
        has_to_answer = {
            other.conn_id
            for other in self._connections.values()
            if other is connection or other.is_woken
        }
        if not has_to_answer & connection.probed.keys() <= alive:
            # Who was woken on a connection that is dead may be the one that is here.
            return []
        self._waking.discard(connection.conn_id)
        return self._wake(connection, self._sure(connection, alive))

    def _wake_late(self, connection: Connection) -> list[Effect]:
        """Wake those of whom there was doubt when the connection came."""
        if connection.conn_id in self._waking or connection.reading is not None:
            return []
        return self._wake(connection, self._others(connection, self._alive(connection)))

    def _give_up_on(self, connection: Connection) -> list[Effect]:
        """Help on who pushed while it was woken, and was none of those who were."""
        parent = connection.crossed_parent
        if parent is None:
            return []
        effects = self._doubt(connection, parent)
        connection.candidates = []
        connection.sent = parent
        return effects + self._readings.catch_up(connection)

    def _alive(self, connection: Connection) -> set[ConnId]:
        """List connections that stand beside this one, so that it is none of theirs."""
        return {
            other.conn_id
            for other in self._connections.values()
            if other.answered_probe >= connection.probed.get(other.conn_id, 0)
        }

    def _sure(
        self, connection: Connection, alive: AbstractSet[ConnId]
    ) -> list[Receiver]:
        """List those who it may be, but for whoever may just be about to answer."""
        due = [
            other.receiver
            for other in self._connections.values()
            if other.receiver is not None
            and other.receiver.has != other.receiver.sent
            and not other.receiver.acks
        ]
        return [r for r in self._others(connection, alive) if r not in due]

    def _wake(
        self, connection: Connection, receivers: Iterable[Receiver]
    ) -> list[Effect]:
        """Tell a silent connection what those that it may be lack."""
        events = 0
        known = {candidate.pull_id for candidate in connection.candidates}
        added: list[Receiver] = []
        for receiver in receivers:
            lacks = self._log.stored - receiver.has
            if lacks < 0 or receiver.is_in_doubt or receiver.pull_id in known:
                continue
            events += lacks
            if (
                len(known) + len(added) == self._limits.max_lost_receivers
                or events > self._limits.max_wake_events
            ):
                break
            added.append(as_known(receiver.known()))
        connection.candidates += added
        effects: list[Effect] = []
        for candidate in added:
            effects += connection.repeat_acks(candidate, candidate.acks)
        return effects + self._readings.catch_up(connection)

    def is_crossing(self, connection: Connection, push: PushReq) -> bool:
        """Tell whether a push was made before what its client has been woken with.

        That client pushes again by itself, behind those events. If it is another one,
        it waits; so its next Ping tells.
        """
        parent = push.batch[0].parent_seq_num
        names = {"", push.batch[0].client_id}
        is_crossing = connection.sent is None and any(
            candidate.began <= parent < candidate.sent and candidate.client_id in names
            for candidate in connection.candidates
        )
        connection.crossed_parent = parent if is_crossing else None
        return is_crossing

    def identify(self, connection: Connection, push: PushReq) -> list[Effect]:
        """Find out from a push who is at the other end, and where it stands.

        Args:
            connection: The connection that the push came from, if it is one of 0.3.
            push: A push with at least one event.
        """
        client_id = push.batch[0].client_id
        parent = push.batch[0].parent_seq_num
        if connection.wire.is_streamed:
            return []
        effects: list[Effect] = []
        is_new = connection.sent is None
        if is_new:
            found = self._find(connection, client_id, parent)
            if found is None:
                effects += self._doubt(connection, parent)
            else:
                self._take_over(connection, found)
                effects += self._remember_others(connection)
            connection.candidates = []
            connection.receiver = found
            connection.sent = parent
        receiver = connection.receiver
        if receiver is None or not (is_new or receiver.client_id != client_id):
            return effects
        receiver.client_id = client_id
        effects += self._forget_earlier(receiver)
        return [*effects, Remember(receiver.known())]

    def note_stored(self, receiver: Receiver, request_id: str) -> list[Effect]:
        """Take note that a push is stored whose client may have connected anew."""
        if request_id not in receiver.acks:
            receiver.acks.append(request_id)
        effects: list[Effect] = [Remember(receiver.known())]
        for connection in self._connections.values():
            for candidate in connection.candidates:
                if candidate.pull_id == receiver.pull_id:
                    candidate.acks.append(request_id)
                    effects += connection.repeat_acks(candidate, [request_id])
        return effects

    def _others(
        self, connection: Connection, alive: AbstractSet[ConnId] = frozenset()
    ) -> list[Receiver]:
        """List those that a connection may belong to, the likeliest first.

        A socket can stand for a while after its client has opened another one.
        """
        connected = [
            other.receiver
            for other in self._connections.values()
            if other.receiver is not None
            and not other.is_suspected
            and other is not connection
            and other.conn_id not in alive
        ]
        return [*reversed(self._lost.values()), *connected]

    def _find(
        self, connection: Connection, client_id: str, parent: int
    ) -> Receiver | None:
        # Were it one that was sent more than it shows, it might be missing something.
        there = [c for c in connection.candidates if c.sent == parent]
        for candidate in there:
            if candidate.client_id == client_id:
                return candidate
        for receiver in self._others(connection):
            if receiver.client_id == client_id:
                # What it says of itself is newer than what we know.
                return Receiver(receiver.pull_id, parent, parent, parent, client_id)
        nameless = [c for c in connection.candidates if not c.client_id]
        is_new = parent > connection.head_before
        if len(nameless) == 1 and nameless[0] in there and is_new:
            return nameless[0]  # nobody else could know of that event here
        return None

    def _doubt(self, connection: Connection, parent: int) -> list[Effect]:
        """Forget those that an unknown client may be: what they have is unknown now."""
        woken = {c.pull_id for c in connection.candidates if c.sent > c.began}

        def may_be(receiver: Receiver) -> bool:
            is_there = receiver.has <= parent <= receiver.sent
            return not receiver.client_id and (is_there or receiver.pull_id in woken)

        gone = [pull_id for pull_id, lost in self._lost.items() if may_be(lost)]
        for other in self._connections.values():
            receiver = other.receiver
            if receiver is not None and other is not connection and may_be(receiver):
                other.suspected_since = other.last_probe
                gone.append(receiver.pull_id)
        return self._forget(gone)

    def _take_over(self, connection: Connection, receiver: Receiver) -> None:
        self._lost.pop(receiver.pull_id, None)
        for other in self._connections.values():
            held = other.receiver
            is_same = held is not None and held.pull_id == receiver.pull_id
            if is_same and other is not connection:
                other.receiver = None

    def _remember_others(self, connection: Connection) -> list[Effect]:
        """Take note that these are not there, so that nothing of theirs is in doubt."""
        addresses = {other.pull_id for other in connection.candidates}
        for other in self._connections.values():
            if other.is_woken and other is not connection:
                addresses -= {candidate.pull_id for candidate in other.candidates}
        return [
            Remember(receiver.known())
            for receiver in self._lost.values()
            if receiver.pull_id in addresses
        ]

    def _forget_earlier(self, receiver: Receiver) -> list[Effect]:
        """Forget what a client was before it was loaded again."""
        return self._forget(
            [
                pull_id
                for pull_id, lost in self._lost.items()
                if lost.client_id == receiver.client_id
            ]
        )

    def _forget(self, gone: list[str]) -> list[Effect]:
        for pull_id in gone:
            self._lost.pop(pull_id, None)
        return [Forget(pull_id) for pull_id in gone]
