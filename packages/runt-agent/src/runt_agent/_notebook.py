"""A live notebook: its tables as this client sees them, and the way to change them."""

import math
from collections.abc import Callable
from typing import TypeAlias

import trio

from runt_agent._errors import NotebookClosedError
from runt_protocol import Event, LoggedEvent, NotebookState, Replica

Predicate: TypeAlias = Callable[[NotebookState], bool]
OnLogged: TypeAlias = Callable[[LoggedEvent], None]
"""Takes each event once the log holds it, in the order of the log."""


class Notebook:
    """A notebook as `open_notebook` gives it.

    Commits show in `state` at once; they are pending until the server has stored them,
    and until then events of others can still come before them.
    """

    def __init__(self, replica: Replica, on_logged: OnLogged | None = None) -> None:
        """Wrap a replica.

        Args:
            replica: The sans-IO client that holds the state.
            on_logged: Called for each event that the log gains, own ones included.
        """
        self._replica = replica
        self._on_logged = on_logged
        self._changed = trio.lowlevel.ParkingLot()
        self._held_until = -math.inf
        self._is_closed = False

    @property
    def held_until(self) -> float:
        """The time before which nothing is pushed; the connection asks for it."""
        return self._held_until

    @property
    def state(self) -> NotebookState:
        """The notebook's tables, own pending events included."""
        return self._replica.state

    @property
    def is_synced(self) -> bool:
        """Whether the log has been read to its head once."""
        return self._replica.synced

    @property
    def head(self) -> int:
        """The number of the last event of the log that the state shows, 0 for none."""
        return self._replica.head

    @property
    def pending_count(self) -> int:
        """The number of own events that the server has not stored yet."""
        return self._replica.pending_count

    def commit(self, *events: Event, hold_s: float = 0.0) -> list[int]:
        """Apply events now and push them as soon as possible, all or none.

        Args:
            events: What happened, in order.
            hold_s: How many seconds the push may wait for others to share it. Each
                push costs the server a transaction and this client a round trip.

        Returns:
            A ticket for each event, for `wait_confirmed` and `is_confirmed`.

        Raises:
            InvalidEventError: An event would stop other clients.
            ReusedIdError: An event appends under an id that was used already.
            EventTooLargeError: An event is larger than any server takes.
            NotebookClosedError: The notebook's block has ended.
        """
        self._check_open()
        was_empty = not self.pending_count
        tickets = self._replica.commit(*events)
        if not hold_s:
            self._held_until = -math.inf
        elif was_empty:
            self._held_until = trio.current_time() + hold_s
        self.notify()
        return tickets

    def is_confirmed(self, ticket: int) -> bool:
        """Tell whether the server has stored an event.

        Args:
            ticket: What `commit` gave for it.
        """
        return self._replica.is_confirmed(ticket)

    async def wait_for(self, predicate: Predicate) -> None:
        """Wait until the state fulfils a predicate.

        Args:
            predicate: Asked now and after every change; it must be quick.

        Raises:
            NotebookClosedError: The notebook's block has ended.
        """
        await trio.lowlevel.checkpoint()
        while not predicate(self.state):
            self._check_open()
            await self._changed.park()

    async def wait_confirmed(self, ticket: int) -> None:
        """Wait until the server has stored an event.

        Args:
            ticket: What `commit` gave for it.

        Raises:
            NotebookClosedError: The notebook's block has ended.
        """
        await self.wait_for(lambda _: self.is_confirmed(ticket))

    async def flush(self) -> None:
        """Wait until the server has stored everything that was committed.

        Raises:
            NotebookClosedError: The notebook's block has ended.
        """
        await self.wait_for(lambda _: not self.pending_count)

    def receive_text(self, text: str, now: float) -> None:
        """Take in a frame; the connection calls this.

        Args:
            text: The frame.
            now: The time, in seconds of any steady clock.

        Raises:
            WireError: The frame is no message of the protocol. It is safe to go on.
        """
        updates = self._replica.receive_text(text, now)
        if self._on_logged is not None:
            for update in updates:
                self._on_logged(update.event)
        self.notify()

    def notify(self) -> None:
        """Wake whoever waits for a change; the connection calls this."""
        self._changed.unpark_all()

    def close(self) -> None:
        """Take no more commits and end every waiting; the connection calls this."""
        self._is_closed = True
        self.notify()

    async def wait_change(self) -> None:
        """Wait until something has changed; the connection calls this."""
        await self._changed.park()

    def _check_open(self) -> None:
        if self._is_closed:
            raise NotebookClosedError("the notebook is closed")
