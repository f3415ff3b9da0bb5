"""Carries what a running cell writes into the notebook, in order."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias

import trio
from msgspec.structs import replace

from runt_agent._artifacts import ArtifactStore
from runt_agent._gather import Gatherer
from runt_agent._limits import Limits
from runt_agent._media import representations_of, with_notice
from runt_agent._outputs import CellOutputs
from runt_protocol import (
    Event,
    EventTooLargeError,
    InvalidEventError,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    MultimediaResultOutputAdded,
    Representations,
)
from runt_worker import (
    ClearOutput,
    DisplayData,
    Error,
    ExecuteResult,
    Output,
    Stream,
    UpdateDisplayData,
)

Commit: TypeAlias = Callable[[Event], None]
"""Commits one event; raises `InvalidEventError` if no peer could read it."""

_MEDIA_EVENTS: Final = (
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    MultimediaResultOutputAdded,
)
_MediaMessage: TypeAlias = DisplayData | UpdateDisplayData | ExecuteResult


class OutputPublisher:
    """Takes the messages of one execution, gathers them and commits their events.

    `receive` never blocks, because the worker calls it from its own reader; `run`
    does the work that takes time, such as uploads.
    """

    def __init__(
        self,
        *,
        outputs: CellOutputs,
        artifacts: ArtifactStore,
        commit: Commit,
        limits: Limits,
    ) -> None:
        """Make a publisher that has published nothing.

        Args:
            outputs: The cell's outputs so far.
            artifacts: Where large images go.
            commit: Puts an event into the notebook.
            limits: Its intervals apply.
        """
        self._outputs = outputs
        self._artifacts = artifacts
        self._commit = commit
        self._gatherer = Gatherer(limits)
        # Bounded by what the worker lets a cell show.
        self._send, self._receive = trio.open_memory_channel[Output](math.inf)

    def receive(self, message: Output) -> None:
        """Take one message of the worker."""
        self._send.send_nowait(message)

    def close(self) -> None:
        """Take no more messages; `run` returns once it has published the rest."""
        self._send.close()

    async def run(self) -> None:
        """Publish until closed and empty."""
        with self._receive:
            async for message in self._receive:
                self._gatherer.receive(message)
                with trio.move_on_at(self._gatherer.next_batch_at()):
                    async for later in self._receive:
                        self._gatherer.receive(later)
                await self._publish()

    async def _publish(self) -> None:
        self._take_what_is_there()
        for message in self._gatherer.take(trio.current_time()):
            for event in await self._events_of(message):
                self._commit_readable(event)

    def _take_what_is_there(self) -> None:
        # A batch that is due at once is still as large as it can be without waiting.
        with suppress(trio.WouldBlock, trio.EndOfChannel):
            while True:
                self._gatherer.receive(self._receive.receive_nowait())

    async def _events_of(self, message: Output) -> list[Event]:
        match message:
            case Stream():
                return self._outputs.stream(message.name, message.text)
            case Error():
                return self._outputs.error(
                    message.ename, message.evalue, message.traceback
                )
            case ClearOutput():
                return self._outputs.clear(wait=message.wait)
            case DisplayData():
                media = await self._media_of(message)
                return self._outputs.display(media, message.display_id)
            case UpdateDisplayData():
                media = await self._media_of(message)
                return self._outputs.update_display(media, message.display_id)
            case ExecuteResult():
                media = await self._media_of(message)
                return self._outputs.result(media, message.execution_count)

    async def _media_of(self, message: _MediaMessage) -> Representations:
        media = representations_of(message.data, message.metadata)
        return await self._artifacts.move_images(media)

    def _commit_readable(self, event: Event) -> None:
        try:
            self._commit(event)
        except (InvalidEventError, EventTooLargeError) as error:
            # Only media can be unreadable: their values and types come from the cell.
            if not isinstance(event, _MEDIA_EVENTS):
                raise
            notice = f"[this output cannot be kept in a notebook: {error}]"
            self._commit(replace(event, representations=with_notice({}, notice)))
