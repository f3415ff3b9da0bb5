"""A real server on a real port and a real SQLite file, and peers that talk to it."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from websockets.exceptions import ConnectionClosed
from websockets.trio.client import ClientConnection, connect

from runt_protocol import connect_url
from runt_sync import Server, open_server

ANSWER_S = 30


class Peer:
    """A client that says exactly what a test wants it to say."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, tag: str, **fields: object) -> None:
        await self.send_text(json.dumps({"_tag": f"WSMessage.{tag}", **fields}))

    async def send_text(self, text: str) -> None:
        await self.socket.send(text)

    async def receive_text(self) -> str:
        with trio.fail_after(ANSWER_S):
            text = await self.socket.recv()
        assert isinstance(text, str)
        return text

    async def receive_any(self) -> dict[str, Any]:
        return json.loads(await self.receive_text())

    async def receive(self, tag: str) -> dict[str, Any]:
        message = json.loads(await self.receive_text())
        assert message["_tag"] == f"WSMessage.{tag}", message
        return message

    async def is_silent(self) -> bool:
        """Whether nothing waits: the answer to a ping comes first."""
        await self.send("Ping", requestId="ping")
        return json.loads(await self.receive_text())["_tag"] == "WSMessage.Pong"

    async def is_closed_with(self, code: int, reason: str | None = None) -> None:
        """See the server close the socket, for this reason if one is named."""
        with pytest.raises(ConnectionClosed) as closed:
            await self.receive_text()
        received = closed.value.rcvd
        assert received is not None
        assert received.code == code
        assert reason in {None, received.reason}

    async def pull(self, cursor: int | None = None) -> list[dict[str, Any]]:
        """Pull to the end and return the events with their metadata."""
        position = {} if cursor is None else {"cursor": cursor}
        await self.send("PullReq", requestId="pull", **position)
        found: list[dict[str, Any]] = []
        while True:
            answer = await self.receive("PullRes")
            found += answer["batch"]
            if not answer["remaining"]:
                return found

    async def push(self, *events: dict[str, Any], request_id: str = "push") -> None:
        await self.send("PushReq", requestId=request_id, batch=list(events))

    async def push_and_confirm(self, *events: dict[str, Any]) -> None:
        """Push, and see the acknowledgement and the broadcast."""
        await self.push(*events)
        await self.receive("PushAck")
        answer = await self.receive("PullRes")
        assert [item["eventEncoded"] for item in answer["batch"]] == list(events)


def debug_event(seq_num: int, **other: object) -> dict[str, Any]:
    """An event that any log takes at this place."""
    return {
        "name": "v1.Debug",
        "args": {"id": f"id-{seq_num}"},
        "seqNum": seq_num,
        "parentSeqNum": seq_num - 1,
        "clientId": "client",
        "sessionId": "session",
        **other,
    }


@asynccontextmanager
async def _join(
    server: Server, store_id: str = "notebook", **options: Any
) -> AsyncGenerator[Peer]:
    url = connect_url(server.sync_url, store_id, {"authToken": server.token})
    async with connect(url, max_size=None, **options) as socket:
        yield Peer(socket)


Join = Callable[..., AbstractAsyncContextManager[Peer]]
MakeEvent = Callable[..., dict[str, Any]]


@pytest.fixture
def server_kills(request: pytest.FixtureRequest) -> int:
    """How often to kill the server."""
    return request.config.option.server_kills


@pytest.fixture
def join() -> Join:
    """Connect a peer: `async with join(server, store_id) as peer`."""
    return _join


@pytest.fixture
def event() -> MakeEvent:
    """Make an event: `event(seq_num)`."""
    return debug_event


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def server(data_dir: Path) -> AsyncGenerator[Server]:
    async with open_server(data_dir=data_dir) as running:
        yield running


@pytest.fixture
async def http(server: Server) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.base_url) as client:
        yield client
