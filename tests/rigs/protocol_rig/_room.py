"""A sync room with a list for a log, and what clients of LiveStore 0.3 say to it."""

import json
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from runt_protocol import (
    Append,
    Limits,
    LoggedEvent,
    Read,
    Send,
    StoredEvent,
    SyncRoom,
)
from runt_protocol._messages import PullReq, PullRes, PushReq
from runt_protocol._room_effects import Effect
from runt_protocol._wire_v03 import MessageV03 as Message
from runt_protocol._wire_v03 import decode_message, encode_message

NOW = "2026-11-23T08:00:00.000Z"
ODD_PING = '{ "requestId" : "ping", "_tag":"WSMessage.Ping" }'


def event(
    number: int, *, args: str | None = None, name: str = "v1.Debug"
) -> LoggedEvent:
    return LoggedEvent(
        name=name,
        args_text=args or f'{{ "id": "{number}" }}',
        seq_num=number,
        parent_seq_num=number - 1,
        client_id="c",
        session_id="s",
    )


def stored(first: int, last: int) -> tuple[StoredEvent, ...]:
    return tuple(
        StoredEvent(event=event(number), created_at=NOW)
        for number in range(first, last + 1)
    )


def push(first: int, last: int) -> str:
    return push_of(*(event(number) for number in range(first, last + 1)))


def other_push(first: int, last: int) -> str:
    """A push of events that are not those of the log."""
    return push_of(
        *(
            replace(event(number), session_id="other")
            for number in range(first, last + 1)
        )
    )


def push_of(*events: LoggedEvent) -> str:
    return encode_message(PushReq(request_id="push", batch=events))


def pull(cursor: int | None = None, request_id: str = "pull") -> str:
    if cursor is None:
        return encode_message(PullReq(request_id=request_id))
    return encode_message(PullReq(request_id=request_id, cursor=cursor))


class Edge:
    """Does what a room says, with a list for a log."""

    def __init__(self, head: int = 0, limits: Limits | None = None) -> None:
        self.log = list(stored(1, head))
        self.room = SyncRoom(head, limits=limits)
        self.sent: list[tuple[object, Message]] = []

    def connect(self, *conn_ids: str) -> None:
        for conn_id in conn_ids:
            self.room.connect(conn_id)

    def receive(self, conn_id: str, text: str) -> list[Effect]:
        """Return what the room asks for besides sending."""
        return self.keep(self.room.receive(conn_id, text, created_at=NOW))

    def keep(self, effects: Sequence[Effect]) -> list[Effect]:
        rest: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Send):
                self.sent.append((effect.conn_id, decode_message(effect.text)))
            else:
                rest.append(effect)
        return rest

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Append):
                self.log.extend(effect.events)
                self.perform(self.keep(self.room.appended()))
            elif isinstance(effect, Read):
                rows = self.log[effect.after : effect.up_to]
                self.perform(self.keep(self.room.read_chunk(effect.conn_id, rows)))

    def exchange(self, conn_id: str, text: str) -> list[tuple[object, Any]]:
        """Do everything that a frame leads to and return what was sent."""
        self.perform(self.receive(conn_id, text))
        return self.taken()

    def taken(self) -> list[tuple[object, Any]]:
        sent, self.sent = self.sent, []
        return [(conn_id, summary(message)) for conn_id, message in sent]


def summary(message: Message) -> Any:
    match message:
        case PullRes():
            numbers = [s.event.seq_num for s in message.batch]
            return message.context, numbers, message.remaining
        case _:
            return json.loads(encode_message(message))


def error(message: str, request_id: str = "push") -> dict[str, str]:
    return {"_tag": "WSMessage.Error", "requestId": request_id, "message": message}


ACK = {"_tag": "WSMessage.PushAck", "requestId": "push"}
