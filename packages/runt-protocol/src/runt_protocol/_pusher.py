"""When our events go to the server, and what its answers say about them."""

import msgspec

from ._backoff import Backoff
from ._envelope import LoggedEvent
from ._limits import Limits
from ._messages import PushReq
from ._pending import PendingEvents
from ._updates import Confirmed, Received, Update


class _Push(msgspec.Struct):
    """The push that waits for its answer.

    `is_outrun` is set when a foreign event took the place of the push's first event:
    the server must have refused it.
    """

    request_id: str
    last: int
    is_outrun: bool = False


class Pusher:
    """Pushes the pending events, one push at a time.

    Where the log is the only one to know what became of a push, its methods say so: the
    owner has to pull, and tells with `pull_ended` when it has.

    Args:
        pending: The events, from the oldest one on.
        limits: How long to wait after a refusal.
    """

    def __init__(self, pending: PendingEvents, limits: Limits) -> None:
        self._pending = pending
        self._push: _Push | None = None
        self._refusals = Backoff(limits)
        self._refused_head: int | None = None
        self._push_at: float | None = None

    @property
    def awaits_answer(self) -> bool:
        """Whether a push is on its way."""
        return self._push is not None

    @property
    def is_due(self) -> bool:
        """Whether there is something that may be pushed now."""
        is_held = self._push is not None or self._push_at is not None
        return bool(self._pending) and not is_held

    @property
    def deadline(self) -> float | None:
        """When to call `handle_timeout`, or None."""
        return self._push_at

    def handle_timeout(self, now: float) -> None:
        """End the pause after a refusal when it is over."""
        if self._push_at is not None and now >= self._push_at:
            self._push_at = None

    def start(self, request_id: str, head: int, backend_id: str | None) -> PushReq:
        """Make the next push; it has to be due.

        Args:
            request_id: Its name.
            head: The number of the last event in the log.
            backend_id: The log that it is meant for.
        """
        batch = self._pending.next_batch(head)
        self._push = _Push(request_id, batch[-1].seq_num)
        return PushReq(request_id=request_id, batch=batch, backend_id=backend_id)

    def connection_lost(self) -> None:
        """Expect no answer any more."""
        self._push = None
        self._push_at = None

    def receive_event(self, event: LoggedEvent, head: int) -> Update:
        """Find out whether the next event of the log is ours.

        Args:
            event: The event.
            head: The number of the last event before it.
        """
        if self._pending.is_first(event, head):
            ticket, _ = self._pending.confirm_first(head)
            self._refusals.succeeded()
            return Confirmed(ticket, event)
        if self._push is not None and head < self._push.last:
            self._push.is_outrun = True
        return Received(event)

    def receive_ack(self, request_id: str, head: int) -> list[Update] | None:
        """Take in that the server accepts a push.

        Args:
            request_id: The push that it answers.
            head: The number of the last event of the log that is known here.

        Returns:
            What follows `head` in the log; None where only the log can tell.
        """
        push = self._take_push(request_id)
        if push is None:
            return []
        if push.is_outrun:
            # It cannot have been stored where a foreign event stands.
            return None
        self._refusals.succeeded()
        return [
            Confirmed(*self._pending.confirm_first(before))
            for before in range(head, push.last)  # none if its echo came before the ack
        ]

    def receive_error(self, request_id: str, head: int) -> bool:
        """Take in that the server refuses a request.

        Args:
            request_id: The request that it answers.
            head: The number of the last event of the log that is known here.

        Returns:
            Whether only the log can tell why.
        """
        push = self._take_push(request_id)
        if (
            push is None or push.is_outrun
        ):  # then it is known, and the next one is right
            return False
        self._refused_head = head
        return True

    def receive_end(self, request_id: str) -> bool:
        """Take in that the server breaks a request off.

        Returns:
            Whether it was the push: only the log can tell whether that was stored.
        """
        return self._take_push(request_id) is not None

    def pull_ended(self, head: int, now: float) -> None:
        """Take note that nothing of the log is missing.

        Args:
            head: The number of its last event.
            now: The time, in seconds of any steady clock.
        """
        if self._refused_head == head:
            # The push was refused although nothing is missing: do not insist.
            self._push_at = now + self._refusals.failed()
        self._refused_head = None

    def _take_push(self, request_id: str) -> _Push | None:
        push = self._push
        if push is None or push.request_id != request_id:
            return None
        self._push = None
        return push
