"""What has to hold between clients and a server, whatever happens on the way."""

from collections import Counter

from runt_protocol._envelope import EncodedEvent
from runt_protocol._materialize import materialize
from runt_protocol.events import Event, encode_event

from ._network import SimulatedNetwork


class ConvergenceCheck:
    """Commits through a `SimulatedNetwork` and remembers what must come of it.

    No two of the committed events may have the same arguments: they are told apart by
    them.

    Args:
        network: The network, before anything was committed.
    """

    def __init__(self, network: SimulatedNetwork) -> None:
        self._network = network
        self._committed: list[list[tuple[int, EncodedEvent]]] = [
            [] for _ in network.replicas
        ]

    def commit(self, client: int, *events: Event) -> None:
        """Commit events at a client."""
        tickets = self._network.replicas[client].commit(*events)
        encoded = map(encode_event, events)
        self._committed[client] += zip(tickets, encoded, strict=True)

    def check_always(self) -> None:
        """Check what holds at every moment.

        Raises:
            AssertionError: An event is stored twice, a confirmed one is not stored, or
                a client shows something else than the log and its pending events.
        """
        log = [stored.event for stored in self._network.server.log]
        copies = Counter(event.args_text for event in log)
        _ensure(len(copies) == len(log), f"stored twice: {copies.most_common(1)}")
        for replica, committed in zip(
            self._network.replicas, self._committed, strict=True
        ):
            for ticket, event in committed:
                stored = event.args_text in copies or not replica.is_confirmed(ticket)
                _ensure(stored, f"confirmed but not stored: {event}")
            own = [event for _, event in committed]
            pending = own[len(own) - replica.pending_count :]
            expected = materialize([*log[: replica.head], *pending])
            shown = replica.state.tables()
            _ensure(shown == expected, f"shown: {shown}, expected: {expected}")

    def check_settled(self) -> None:
        """Check what holds after `SimulatedNetwork.settle`.

        Raises:
            AssertionError: As `check_always`; or an event is lost or out of its order,
                or a client does not show the log.
        """
        self.check_always()
        log = [stored.event for stored in self._network.server.log]
        numbers = [event.seq_num for event in log]
        _ensure(numbers == list(range(1, len(log) + 1)), f"numbers: {numbers}")
        stored = [event.args_text for event in log]
        count = 0
        for replica, committed in zip(
            self._network.replicas, self._committed, strict=True
        ):
            places = [stored.index(event.args_text) for _, event in committed]
            count += len(places)
            _ensure(places == sorted(places), f"out of order: {places}")
            _ensure(replica.head == len(log), f"behind: {replica.head} of {len(log)}")
            _ensure(replica.skipped_count == 0, f"skipped: {replica.skipped}")
        _ensure(count == len(log), f"{count} committed, {len(log)} stored")


def _ensure(condition: bool, complaint: str) -> None:  # noqa: FBT001 - as assert has it
    if not condition:
        raise AssertionError(complaint)
