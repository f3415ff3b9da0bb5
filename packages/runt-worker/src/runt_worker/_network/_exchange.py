"""One request and its answer, between the guest's calls and the network's task."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition
from typing import Any

import trio

from ._messages import HttpRequest
from ._url import HttpUrl

_MAX_WAITING_BYTES = 256 * 1024
"""Of an answer, read and not yet taken by the guest. With so much the task waits."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why there is no answer, or no more of it.

    Attributes:
        reason: one sentence.
        kind: what the guest makes of it.
    """

    reason: str
    kind: str = "failed"

    def as_answer(self) -> dict[str, Any]:
        """Return it as the guest is told."""
        return {"error": self.reason, "kind": self.kind}


@dataclass(frozen=True, kw_only=True)
class Received:
    """What a call of the guest gets."""

    answer: dict[str, Any]
    data: bytes = b""


@dataclass(kw_only=True, eq=False)
class Exchange:
    """What one request was, and what has come back of it so far.

    The guest's thread takes, the network's task gives; `changed` guards both.

    Attributes:
        number: how the guest calls it.
        cell: the request of the supervisor's during which it began.
        request: what the guest asked for.
        url: where to, as it was checked.
        tell: called in the task when there is something that the guest waits for.
        changed: held whenever the fields below it are used.
        takes_body: whether the guest has yet to send some of what goes along.
        body: what it has sent, until the task takes it.
        body_bytes: how much that was; it is held until the end.
        scope: of the task.
    """

    number: int
    cell: int
    request: HttpRequest
    url: HttpUrl
    tell: Callable[[int], None]
    changed: Condition = field(default_factory=Condition)
    takes_body: bool
    body_bytes: int = 0
    body: bytearray = field(default_factory=bytearray)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    _head: dict[str, Any] | None = None
    _chunks: deque[bytes] = field(default_factory=deque[bytes])
    _waiting_bytes: int = 0
    _has_room: trio.Event = field(default_factory=trio.Event)
    _failure: Failure | None = None
    _is_ended: bool = False
    _is_awaited: bool = False

    # -- the network's task

    def begin(self, head: dict[str, Any]) -> None:
        """Give the guest status and headers."""
        with self.changed:
            self._head = head
            self._announce()

    async def put(self, chunk: bytes) -> None:
        """Give the guest a part of the body; wait while it has enough."""
        with self.changed:
            self._chunks.append(chunk)
            self._waiting_bytes += len(chunk)
            self._announce()
            if self._waiting_bytes < _MAX_WAITING_BYTES:
                return
            self._has_room = trio.Event()
        await self._has_room.wait()

    def make_room(self) -> None:
        """Let `put` go on: the guest has taken what there was."""
        self._has_room.set()

    def end(self, failure: Failure | None = None) -> None:
        """Say that nothing more comes; what was said first holds."""
        with self.changed:
            if not self._is_ended:
                self._failure, self._is_ended = failure, True
                self._announce()

    def _announce(self) -> None:
        self.changed.notify_all()
        if self._is_awaited:
            self._is_awaited = False
            self.tell(self.number)

    # -- the guest's calls

    def take(self, wait_s: float) -> Received:
        """Return what there is, and wait for it so long at most.

        Args:
            wait_s: 0: the guest is told as soon as there is something.
        """
        with self.changed:
            if wait_s > 0:
                self.changed.wait_for(self._has_something, wait_s)
            elif not self._has_something():
                self._is_awaited = True
            return self._take_all()

    def _has_something(self) -> bool:
        return self._head is not None or bool(self._chunks) or self._is_ended

    def _take_all(self) -> Received:
        answer: dict[str, Any] = {}
        if self._head is not None:
            answer["head"], self._head = self._head, None
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._waiting_bytes = 0
        if self._is_ended and (self._failure is None or not data):
            answer["ended"] = True
            if self._failure is not None:
                answer |= self._failure.as_answer()
        return Received(answer=answer, data=data)
