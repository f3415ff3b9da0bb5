"""A real sync server, and servers that answer whatever a test wants."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from notebook_rig import TOKEN, RunningServer, StartServer, run_stoppable_server

from runt_sync import Server, open_server


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with open_server(data_dir=tmp_path / "data", token=TOKEN) as server:
        yield server


@pytest.fixture
def start_server(nursery: trio.Nursery, tmp_path: Path) -> StartServer:
    """Start a server that can be stopped; `folder` is what it keeps."""

    async def start(
        token: str = TOKEN, port: int = 0, folder: str = "restarts"
    ) -> RunningServer:
        return await nursery.start(run_stoppable_server, tmp_path / folder, token, port)

    return start


class CannedServer:
    """Answers every request with the same bytes, or never if there are none.

    Attributes:
        sync_url: Its address as a sync URL.
        requests: The heads of the requests, in order.
        piece_s: Seconds between two small pieces that it reads of a body; None: it
            answers before it has read one.
    """

    def __init__(self, answer: bytes, port: int) -> None:
        self.answer = answer
        self.sync_url = f"ws://127.0.0.1:{port}/livestore"
        self.requests: list[str] = []
        self.piece_s: float | None = None

    async def handle(self, stream: trio.SocketStream) -> None:
        head = b""
        async for chunk in stream:
            head += chunk
            if b"\r\n\r\n" in head:
                break
        self.requests.append(head.decode("latin-1"))
        if not self.answer:
            await trio.sleep_forever()
        if self.piece_s is not None:
            async for _ in stream:
                await trio.sleep(self.piece_s)
        await stream.send_all(self.answer)
        await stream.aclose()


StartCanned = Callable[..., Awaitable[CannedServer]]


@pytest.fixture
def start_canned(nursery: trio.Nursery) -> StartCanned:
    async def start(answer: bytes, port: int = 0) -> CannedServer:
        [listener] = await trio.open_tcp_listeners(port, host="127.0.0.1")
        port = listener.socket.getsockname()[1]
        canned = CannedServer(answer, port)
        nursery.start_soon(partial(trio.serve_listeners, canned.handle, [listener]))
        return canned

    return start


def http_answer(status: str, body: str = "", kind: str = "text/plain") -> bytes:
    content = body.encode()
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n"
        f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
    ).encode() + content


@pytest.fixture(name="http_answer")
def http_answer_fixture() -> Callable[..., bytes]:
    return http_answer
