"""What the server asks of a push before it stores anything of it.

The real server looks at the first parent number only and takes any event. One event
that a LiveStore client cannot decode ends that client's syncing for good, so our server
reads every event that it knows.
"""

from ._envelope import LoggedEvent
from ._errors import InvalidEventError
from .events import decode_event


def malformed(batch: tuple[LoggedEvent, ...]) -> str | None:
    """Say what is wrong with a batch, whatever the log it is meant for.

    Args:
        batch: At least one event.

    Returns:
        A sentence for the sender, or None where the batch is in order.
    """
    expected = batch[0].parent_seq_num
    for event in batch:
        if event.parent_seq_num != expected or event.seq_num != expected + 1:
            return (
                f"Invalid event numbers. "
                f"Received e{event.seq_num} after e{event.parent_seq_num} "
                f"but expected e{expected + 1} after e{expected}"
            )
        expected = event.seq_num
        reason = _unreadable(event)
        if reason is not None:
            return f"Invalid event e{event.seq_num} ({event.name}): {reason}"
    return None


def stale(batch: tuple[LoggedEvent, ...], head: int) -> str | None:
    """Say that a batch does not continue the log, in the real server's words.

    Args:
        batch: At least one event.
        head: The number of the last event of the log.

    Returns:
        A sentence for the sender, or None where the batch continues the log.
    """
    parent = batch[0].parent_seq_num
    if parent == head:
        return None
    return f"Invalid parent event number. Received e{parent} but expected e{head}"


def _unreadable(event: LoggedEvent) -> str | None:
    for text in (event.name, event.client_id, event.session_id):
        if not _encodes(text):
            return "a lone surrogate stands in its name, clientId or sessionId"
    try:
        decode_event(event.name, event.args_text)
    except InvalidEventError as error:
        return error.reason
    return None


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
