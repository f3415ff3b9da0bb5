"""A sync client of LiveStore 0.3, and what a server says to it."""

import json
from collections.abc import Sequence
from typing import Any

import runt_protocol._messages as msg
from runt_protocol import (
    Confirmed,
    EncodedEvent,
    Limits,
    LoggedEvent,
    Received,
    StoredEvent,
    SyncClient,
    Update,
)
from runt_protocol._wire_v03 import MessageV03, decode_message, encode_message

PING = encode_message(msg.Ping())
PONG = encode_message(msg.Pong())


def own(text: str, name: str = "v1.NotebookTitleChanged") -> EncodedEvent:
    return EncodedEvent(name=name, args_text=f'{{"title":"{text}"}}')


def logged(text: str, number: int, client: str = "foreign") -> LoggedEvent:
    return LoggedEvent(
        name="v1.NotebookTitleChanged",
        args_text=f'{{"title":"{text}"}}',
        seq_num=number,
        parent_seq_num=number - 1,
        client_id=client,
        session_id="session",
    )


def frame_of(
    events: Sequence[LoggedEvent],
    *,
    pull: str | None = None,
    remaining: int = 0,
) -> str:
    return encode_message(
        msg.PullRes(
            batch=tuple(StoredEvent(event=e, created_at=None) for e in events),
            context="push" if pull is None else "pull",
            request_id=pull or "somebody's",
            remaining=remaining,
        )
    )


class ClientDriver:
    """A client with the answers that a test gives it."""

    def __init__(self, limits: Limits | None = None, cursor: int = 0) -> None:
        self.client = SyncClient(
            client_id="own", session_id="session", cursor=cursor, limits=limits
        )
        self.now = 100.0
        self.pull_id = ""
        self.push_id = ""

    def open(self) -> list[MessageV03]:
        self.client.connection_opened(self.now)
        return self.sent()

    def go_live(self, *events: LoggedEvent) -> None:
        self.open()
        self.receive(PONG)
        self.answer_pull(*events)

    def lose(self) -> None:
        self.client.connection_lost(self.now, jitter=1.0)

    def sent(self) -> list[MessageV03]:
        messages = [decode_message(frame) for frame in self.client.data_to_send()]
        for message in messages:
            if isinstance(message, msg.PullReq):
                self.pull_id = message.request_id
            elif isinstance(message, msg.PushReq):
                self.push_id = message.request_id
        return messages

    def pushed(self) -> list[tuple[int, Any]]:
        """Return what is pushed now, as numbers and titles."""
        return [
            (event.seq_num, json.loads(event.args_text or "")["title"])
            for message in self.sent()
            if isinstance(message, msg.PushReq)
            for event in message.batch
        ]

    def pulled(self) -> list[int]:
        """Return the cursors of the pulls that are sent now."""
        pulls = [m for m in self.sent() if isinstance(m, msg.PullReq)]
        return [pull.cursor or 0 for pull in pulls]

    def receive(self, text: str) -> list[tuple[Any, ...]]:
        return [summary(u) for u in self.client.receive_text(text, self.now)]

    def broadcast(self, *events: LoggedEvent) -> list[tuple[Any, ...]]:
        return self.receive(frame_of(events))

    def answer_pull(
        self, *events: LoggedEvent, remaining: int = 0
    ) -> list[tuple[Any, ...]]:
        text = frame_of(events, pull=self.pull_id, remaining=remaining)
        return self.receive(text)

    def ack(self, request_id: str | None = None) -> list[tuple[Any, ...]]:
        request_id = request_id or self.push_id
        return self.receive(encode_message(msg.PushAck(request_id=request_id)))

    def refuse(self, request_id: str, message: str = "no") -> list[tuple[Any, ...]]:
        refusal = msg.ErrorRes(request_id=request_id, message=message)
        return self.receive(encode_message(refusal))


def summary(update: Update) -> tuple[Any, ...]:
    title = json.loads(update.event.args_text or "")["title"]
    match update:
        case Received(event):
            return ("received", event.seq_num, title)
        case Confirmed(ticket, event):
            return ("confirmed", event.seq_num, title, ticket)
