"""How a sync room cuts and labels the events that it hands out."""

from collections.abc import Iterator, Sequence

from ._limits import Limits
from ._messages import PullRes, StoredEvent
from ._room_connection import Reading


def answer(reading: Reading, batch: Sequence[StoredEvent], backend_id: str) -> PullRes:
    """Make the next answer of a reading.

    Args:
        reading: The reading; its `up_to` says how many events are still to come.
        batch: The events; none where the client has them all.
        backend_id: The id of the log.
    """
    last = batch[-1].event.seq_num if batch else reading.up_to
    return PullRes(
        batch=tuple(batch),
        context=reading.context,
        request_id=reading.request_id,
        # A catch-up looks like a broadcast, and each of these is complete in itself.
        remaining=reading.up_to - last if reading.context == "pull" else 0,
        backend_id=backend_id,
    )


def parts(
    events: Sequence[StoredEvent], limits: Limits
) -> Iterator[tuple[StoredEvent, ...]]:
    """Cut events into answers.

    Args:
        events: Any events.
        limits: How many events, and how many characters of arguments, are enough.
    """
    part: list[StoredEvent] = []
    size = 0
    for event in events:
        if part and (
            len(part) == limits.pull_chunk_events or size >= limits.pull_chunk_bytes
        ):
            yield tuple(part)
            part, size = [], 0
        part.append(event)
        size += len(event.event.args_text or "")
    if part:
        yield tuple(part)
