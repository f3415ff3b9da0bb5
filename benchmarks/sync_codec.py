"""Decoding a log and carrying it out, without a network: what a client's core costs."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from msgspec import UNSET

from runt_protocol import (
    CellCreatedV2,
    CellOutputsCleared,
    CellSourceChanged,
    Event,
    ExecutionAssigned,
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
    Inline,
    LoggedEvent,
    MultimediaResultOutputAdded,
    NotebookState,
    Replica,
    StoredEvent,
    TerminalOutputAdded,
    TerminalOutputAppendedV2,
    decode_event,
    encode_event,
)
from runt_protocol._wire_v03 import PullRes, decode_message, encode_message

_CHUNK = 100
_REPEATS = 5
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CELLS = 50


def notebook_log(events: int) -> list[LoggedEvent]:
    """Return the log of a notebook in which people run cells that print."""
    encoded = map(encode_event, _history())
    return [
        LoggedEvent(
            name=event.name,
            args_text=event.args_text,
            seq_num=number,
            parent_seq_num=number - 1,
            client_id="benchmark",
            session_id="benchmark",
        )
        for number, event in zip(range(1, events + 1), encoded, strict=False)
    ]


def _history() -> Iterator[Event]:
    for number in range(_CELLS):
        yield CellCreatedV2(
            id=f"cell-{number}",
            fractional_index=f"a{number:03}",
            cell_type="code",
            created_by="person",
        )
    execution = 0
    while True:
        execution += 1
        yield from _execution(f"cell-{execution % _CELLS}", execution)


def _execution(cell: str, number: int) -> Iterator[Event]:
    queue, output = f"queue-{number}", f"output-{number}"
    yield CellSourceChanged(id=cell, source=f"work({number})", modified_by="person")
    yield ExecutionRequested(
        queue_id=queue, cell_id=cell, execution_count=number, requested_by="person"
    )
    yield ExecutionAssigned(queue_id=queue, runtime_session_id="session")
    yield ExecutionStarted(
        queue_id=queue, cell_id=cell, runtime_session_id="session", started_at=_NOW
    )
    yield CellOutputsCleared(cell_id=cell, wait=False, cleared_by="runtime")
    yield TerminalOutputAdded(
        id=output,
        cell_id=cell,
        position=0,
        content=Inline(data="a line of output\n"),
        stream_name="stdout",
    )
    for part in range(8):
        yield TerminalOutputAppendedV2(
            id=f"{output}-{part}",
            output_id=output,
            delta="x" * 60,
            sequence_number=part,
        )
    yield MultimediaResultOutputAdded(
        id=f"{output}-result",
        cell_id=cell,
        position=1,
        representations={"text/plain": Inline(data="42")},
        execution_count=number,
    )
    yield ExecutionCompleted(
        queue_id=queue,
        cell_id=cell,
        status="success",
        error=UNSET,
        completed_at=_NOW,
        execution_duration_ms=12,
    )


def pull_frames(log: list[LoggedEvent], request_id: str) -> list[str]:
    """Return a log as a server sends it to whoever pulls."""
    stored = [
        StoredEvent(event=event, created_at="2026-01-01T00:00:00.000Z") for event in log
    ]
    return [
        encode_message(
            PullRes(
                batch=tuple(stored[start : start + _CHUNK]),
                context="pull",
                request_id=request_id,
                remaining=max(len(log) - start - _CHUNK, 0),
            )
        )
        for start in range(0, len(log), _CHUNK)
    ]


def rates(events: int) -> dict[str, float]:
    """Return events a second on one core, the best of some runs, by what is done."""
    log = notebook_log(events)
    frames = pull_frames(log, _first_request()[1])
    decoded = [decode_event(event.name, event.args_text) for event in log]

    def decode_frames() -> None:
        for frame in frames:
            decode_message(frame)

    def decode_events() -> None:
        for event in log:
            decode_event(event.name, event.args_text)

    def materialise() -> None:
        state = NotebookState()
        for event in decoded:
            state.apply(event)

    def both() -> None:
        state = NotebookState()
        for event in log:
            state.apply(decode_event(event.name, event.args_text))

    return {
        "frames decoded": events / _best_s(decode_frames),
        "events decoded": events / _best_s(decode_events),
        "events materialised": events / _best_s(materialise),
        "decoded and materialised": events / _best_s(both),
        "from frames into a replica": events / _best_s(lambda: fill_replica(frames)),
    }


def fill_replica(frames: list[str]) -> None:
    """Take a log in as a client does that pulls it."""
    replica, _ = _first_request()
    for frame in frames:
        replica.receive_text(frame, 0.0)


def _first_request() -> tuple[Replica, str]:
    """Return a replica that has asked for the log, and the name of its request."""
    replica = Replica(client_id="client", session_id="session")
    replica.connection_opened(0.0)
    return replica, json.loads(replica.data_to_send()[0])["requestId"]


def _best_s(work: Callable[[], None]) -> float:
    return min(_timed(work) for _ in range(_REPEATS))


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
