"""One WebSocket as a member of its room."""

from collections.abc import Mapping

import trio
from starlette.websockets import WebSocket

from runt_protocol import Wire

from ._errors import StorageError
from ._event_log import EventLog
from ._limits import Limits
from ._outbox import Outbox
from ._probes import EXTENSION, Probes
from ._rooms import Room, Rooms

# Close codes: RFC 6455 §7.4.1, 1012 and 1013 from the IANA registry that it founds.
GOING_AWAY = 1001
UNSUPPORTED_DATA = 1003
INTERNAL_ERROR = 1011
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013


class SocketMember:
    """Carries frames between an accepted WebSocket and a room.

    Args:
        websocket: The WebSocket, accepted.
        log: The event log that reads for this member come from.
        limits: The bounds to keep.
    """

    def __init__(self, websocket: WebSocket, log: EventLog, limits: Limits) -> None:
        self._websocket = websocket
        extensions: Mapping[str, Probes] = websocket.scope.get("extensions", {})
        self._probes = extensions.get(EXTENSION)
        self._log = log
        self._limits = limits
        self._outbox = Outbox(limits)
        self._close: tuple[int, str] | None = None

    async def run(self, rooms: Rooms, store_id: str, wire: Wire) -> None:
        """Take part in a room until the WebSocket has ended.

        Args:
            rooms: All rooms.
            store_id: The store of the one to enter.
            wire: What the client speaks.
        """
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._write)
            try:
                self._room, self._conn_id = await rooms.enter(store_id, self, wire)
            except StorageError:
                self.close(INTERNAL_ERROR, "the server cannot read its disk")
                await self._wait_for_end()
            else:
                if self._probes is not None:
                    self._probes.listen(self._take_answer)
                try:
                    await self._read_frames(self._room)
                finally:
                    is_due = self._answer_is_due()
                    rooms.leave(self._room, self._conn_id, answer_is_due=is_due)
            nursery.cancel_scope.cancel()

    def send(self, text: str, probe: int | None) -> None:
        """Queue a frame; a client that is too slow for it is told to come back."""
        if not self._outbox.put(text, probe):
            self.close(TRY_AGAIN_LATER, "too slow: reconnect and pull")

    def start_read(self, after: int, up_to: int) -> None:
        """Begin to read a range of the log for this member."""
        self._nursery.start_soon(self._stream, after, up_to)

    def send_away(self, reason: str) -> None:
        """Close the WebSocket after what waits, so that the client opens another."""
        self.close(SERVICE_RESTART, reason, flush=True)

    def close(self, code: int, reason: str, *, flush: bool = False) -> None:
        """Begin to close the WebSocket; the client has a moment to take part in that.

        Args:
            code: The close code.
            reason: What the client is told, at most 123 bytes.
            flush: Whether queued frames are still sent.
        """
        if self._close is None:
            self._close = code, reason
            self._outbox.close(discard=not flush)
            scope = self._nursery.cancel_scope
            scope.deadline = trio.current_time() + self._limits.close_s

    async def _write(self) -> None:
        while (item := await self._outbox.get()) is not None:
            frame, probe = item
            await self._websocket.send_text(frame)
            if probe is not None and self._probes is not None:
                await self._probes.send(probe)
        if self._close is not None:
            code, reason = self._close
            await self._websocket.close(code, reason)

    async def _read_frames(self, room: Room) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if self._close is not None:
                continue  # only read until the client has answered the close
            if message.get("text") is None:
                self.close(UNSUPPORTED_DATA, "sync messages are text frames")
            else:
                await room.receive(self._conn_id, message["text"])

    def _answer_is_due(self) -> bool:
        age_s = None if self._probes is None else self._probes.oldest_s
        return age_s is not None and age_s < self._limits.answer_s

    def _take_answer(self, probe: int) -> None:
        if self._close is None:
            self._room.delivered(self._conn_id, probe)

    async def _wait_for_end(self) -> None:
        while (await self._websocket.receive())["type"] != "websocket.disconnect":
            pass

    async def _stream(self, after: int, up_to: int) -> None:
        try:
            while after < up_to and self._close is None:
                events = await self._log.read(self._room.store_id, after, up_to)
                after = events[-1].event.seq_num
                self._room.hand_over(self._conn_id, events)
                await self._outbox.drained()
        except StorageError:
            self.close(INTERNAL_ERROR, "the server cannot read its disk")
