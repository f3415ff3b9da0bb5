"""What has to hold, at every moment or at the end, whatever went wrong."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from runt_protocol import (
    Event,
    ExecutionAssigned,
    LoggedEvent,
    NotebookState,
    UnknownEvent,
    decode_event,
    materialize,
)

from ._actors import Person, Requests
from ._cells import cell_of, shown_of
from ._disk import Disk
from ._recording import RecordingClient

_OPEN: Final = {"pending", "assigned", "executing"}
# The least time between two attempts to connect: half of the first delay.
_LEAST_GAP_S: Final = 0.05


_ENOUGH_DELAYS: Final = 4


class Invariants:
    """Checks a simulation.

    Attributes:
        started: For each source in each log the sessions that have run it, in order.

    Args:
        seed: The simulation's.
        requests: What people have asked for.
        disk: Where what is committed can be read.
        violate: Reports a violation.
    """

    def __init__(
        self,
        seed: int,
        requests: Requests,
        disk: Disk,
        violate: Callable[[str], None],
    ) -> None:
        self._seed = seed
        self._requests = requests
        self._disk = disk
        self._violate = violate
        self.started: dict[tuple[int, str], list[str]] = {}

    def check_start_of_cell(self, session_id: str, source: str) -> None:
        """Check that a cell which starts is claimed for good, and runs only once."""
        queue_ids = self._requests.sources[source]
        claimed_in = [
            number
            for number, log in self._logs(ExecutionAssigned.event_name)
            if not _claims(log, session_id).isdisjoint(queue_ids)
        ]
        self._ensure(
            bool(claimed_in),
            f"{session_id} runs {source}, but its claim is not in the log",
        )
        sessions = self.started.setdefault((claimed_in[0], source), [])
        sessions.append(session_id)
        self._ensure(
            len(sessions) <= len(queue_ids), f"{source} was run twice: {sessions}"
        )

    def check_log(self, clients: Iterable[RecordingClient]) -> None:
        """Check that each log holds what was confirmed, once each and in order.

        Args:
            clients: Everybody who has ever been there.
        """
        clients = list(clients)
        for number, log in self._logs():
            self._check_log(number, log, clients)

    def _check_log(
        self, number: int, log: list[LoggedEvent], clients: list[RecordingClient]
    ) -> None:
        numbers = [event.seq_num for event in log]
        self._ensure(numbers == list(range(1, len(log) + 1)), f"numbers: {numbers}")
        stored: dict[str, list[tuple[str, str | None]]] = {}
        for event in log:
            stored.setdefault(event.session_id, []).append(
                (event.name, event.args_text)
            )
        for client in clients:
            own = stored.pop(client.session_id, [])
            committed = [(event.name, event.args_text) for event in client.committed]
            self._ensure(
                own == committed[: len(own)],
                f"{client.machine.name}'s events are lost, doubled or out of order: "
                f"{_first_difference(own, committed)}",
            )
            self._ensure(
                not own or client.log_number is None or number <= client.log_number,
                f"{client.machine.name} goes on in another log than it has followed",
            )
            if client.log_number == number:
                confirmed = len(client.confirmed())
                self._ensure(
                    len(own) >= confirmed,
                    f"{client.machine.name}: {confirmed} confirmed, {len(own)} stored",
                )
        self._ensure(not stored, f"nobody made these events: {stored}")

    def check_state(self, person: Person, client: RecordingClient) -> None:
        """Check that a client shows the log so far and its own events behind it."""
        if person.notebook is None:
            return
        logs = dict(self._logs())
        log = logs[max(logs) if client.log_number is None else client.log_number]
        if client.head > len(log):
            self._violate(f"{person.machine.name} is ahead of the log")
        expected = materialize([*log[: client.head], *client.pending()])
        shown = person.notebook.state.tables()
        for table, rows in expected.items():
            self._ensure(
                shown[table] == rows,
                f"{person.machine.name} shows other {table} than the log up to "
                f"e{client.head}: {_first_difference(shown[table], rows)}",
            )

    def check_outcome(self) -> None:
        """Check that every execution has ended, and what is left of its outputs."""
        state = NotebookState()
        for event in map(_decoded, self._disk.log()):
            state.apply(event)
        for row in state.execution_queue.values():
            self._ensure(row.status not in _OPEN, f"{row.id} is {row.status} for ever")
            if row.cell_id not in self._requests.touched:
                self._check_outputs(state, row.cell_id, row.status)

    def check_dials(self, times: Sequence[float], name: str) -> None:
        """Check that a client does not insist."""
        for before, after in pairwise(times):
            gap = after - before
            self._ensure(
                gap >= _LEAST_GAP_S, f"{name} dials again after {gap * 1000:.0f} ms"
            )

    def check_jitter(self, delays: Sequence[float]) -> None:
        """Check that clients which lost the same server do not come back together.

        Args:
            delays: The first pauses of clients that the server has lost, in seconds.
        """
        self._ensure(
            len(delays) < _ENOUGH_DELAYS or len({round(d, 6) for d in delays}) > 1,
            f"there is no jitter: {len(delays)} clients waited {delays[:1]} s",
        )

    def _logs(self, name: str = "%") -> Iterator[tuple[int, list[LoggedEvent]]]:
        """Give the log that there is, and after it those that were lost."""
        lost = self._disk.lost_logs
        yield len(lost), self._disk.log(name)
        for number, log in enumerate(lost):
            yield number, [e for e in log if name in {"%", e.name}]

    def _check_outputs(self, state: NotebookState, cell_id: str, status: str) -> None:
        cell = cell_of(self._seed, int(cell_id[1:]))
        shown = shown_of(state, cell_id)
        if status == "completed":
            self._ensure(cell.ends_well, f"{cell_id} failed and is called a success")
            self._ensure(
                shown == cell.shown, f"{cell_id} shows {shown}, not {cell.shown}"
            )
        else:
            self._ensure(
                cell.shown.startswith(shown),
                f"{cell_id} shows {shown}, no beginning of {cell.shown}",
            )
        positions = [output.position for output in state.outputs_of(cell_id)]
        self._ensure(
            positions == list(range(len(positions))),
            f"{cell_id} has outputs at {positions}",
        )

    def _ensure(self, condition: bool, complaint: str) -> None:  # noqa: FBT001 - as assert has it
        if not condition:
            self._violate(complaint)


def _claims(log: Iterable[LoggedEvent], session_id: str) -> set[str]:
    return {
        event.queue_id
        for event in map(_decoded, log)
        if isinstance(event, ExecutionAssigned)
        and event.runtime_session_id == session_id
    }


def _decoded(event: LoggedEvent) -> Event | UnknownEvent:
    return decode_event(event.name, event.args_text)


def _first_difference(one: Sequence[object], other: Sequence[object]) -> str:
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return f"at {place}: {left!r:.150} and {right!r:.150}"
    return f"{len(one)} and {len(other)} of them"
