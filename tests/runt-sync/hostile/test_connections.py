"""What one peer does must not reach the others, whatever it sends or does not read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

import runt_protocol
from runt_protocol import connect_url
from runt_sync import Limits, Server, open_server

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Join, MakeEvent  # noqa: TID252 - tests are no package

UPGRADE = (
    "GET {target} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
)


@asynccontextmanager
async def raw_connection(server: Server) -> AsyncGenerator[trio.SocketStream]:
    host, _, port = server.base_url.removeprefix("http://").rpartition(":")
    async with await trio.open_tcp_stream(host, int(port)) as stream:
        yield stream


async def read_to_end(stream: trio.SocketStream, *, end: bytes | None = None) -> bytes:
    received = bytearray()
    with trio.fail_after(5):
        try:
            async for piece in stream:
                received += piece
                if end is not None and received.endswith(end):
                    break
        except trio.BrokenResourceError:
            pass  # a reset is an end too
    return bytes(received)


async def send_for_ever(stream: trio.SocketStream) -> None:
    while True:
        await stream.send_all(b"x" * 10_000)


def target_of(server: Server, token: str) -> str:
    url = connect_url(server.sync_url, "notebook", {"authToken": token})
    return "/" + url.split("/", 3)[3]


Unharmed = Callable[[], Awaitable[None]]


@pytest.fixture
async def unharmed(
    server: Server, join: Join, event: MakeEvent
) -> AsyncGenerator[Unharmed]:
    """Have somebody in the room who was there before; tell whether all is well."""
    async with join(server) as peer:
        await peer.push_and_confirm(event(1))

        async def assure() -> None:
            await peer.push_and_confirm(event(2))
            async with join(server) as late:
                assert len(await late.pull()) == 2

        yield assure


async def test_frames_behind_a_refused_upgrade(
    server: Server, unharmed: Unharmed
) -> None:
    request = UPGRADE.format(target=target_of(server, "wrong")).encode()
    for frames in (b"\x81\x00" * 10, b"\xff" * 1000, b"GET / HTTP/1.1\r\n\r\n"):
        async with raw_connection(server) as stream:
            await stream.send_all(request + frames)
            # Refused or cut off: whoever talks before the answer has no claim to it.
            assert b" 101 " not in await read_to_end(stream)
    await unharmed()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xff\xff\xff" * 50,  # reserved bits, unknown opcode
        b"\x81\x85" + b"\0\0\0\0" + b"\xff\xfe\xfd\xfc\xfb",  # text that is no UTF-8
        b"\x81\xff" + b"\x7f" + b"\xff" * 7,  # a frame of 9 exabytes
        b"\x88\x81\0\0\0\0\x01",  # a close frame with half a code
        b"\x80\x80\0\0\0\0" * 50,  # continuations of nothing
    ],
    ids=["bits", "utf-8", "length", "close", "continuation"],
)
async def test_bytes_that_are_no_websocket_frames(
    server: Server, unharmed: Unharmed, garbage: bytes
) -> None:
    request = UPGRADE.format(target=target_of(server, server.token)).encode()
    async with raw_connection(server) as stream:
        await stream.send_all(request)
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 101 ")
        await stream.send_all(garbage)
        await stream.send_eof()
        await read_to_end(stream)
    await unharmed()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01 this is TLS \r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",  # no Host
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        b"POST /api/artifacts HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
    ],
    ids=["tls", "no-host", "long-header", "length", "http2"],
)
async def test_bytes_that_are_no_http_request(
    server: Server, unharmed: Unharmed, request_bytes: bytes
) -> None:
    async with raw_connection(server) as stream:
        await stream.send_all(request_bytes)
        await stream.send_eof()
        assert b" 200 " not in (await read_to_end(stream)).split(b"\r\n")[0]
    await unharmed()


async def test_an_offer_of_http2_is_answered_in_http1(server: Server) -> None:
    async with raw_connection(server) as stream:
        await stream.send_all(
            b"GET /healthz HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\n"
            b"connection: upgrade, http2-settings\r\n"
            b"http2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
        )
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"POST /api/artifacts", b"401"), (b"GET /api/artifacts/unknown", b"404")],
)
async def test_a_body_that_nobody_reads_does_not_hold_its_connection(
    server: Server, unharmed: Unharmed, request_line: bytes, status: bytes
) -> None:
    head = b" HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    async with raw_connection(server) as stream:
        await stream.send_all(request_line + head + b"1\r\nx\r\n" * 5000)
        answer = await read_to_end(stream)
    assert answer.startswith(b"HTTP/1.1 " + status)
    await unharmed()


async def test_an_upload_that_breaks_off_leaves_nothing(
    server: Server, unharmed: Unharmed, data_dir: Path
) -> None:
    async with raw_connection(server) as stream:
        await stream.send_all(
            b"POST /api/artifacts HTTP/1.1\r\nhost: x\r\nx-notebook-id: n\r\n"
            + f"authorization: Bearer {server.token}\r\n".encode()
            + b"content-length: 1000\r\n\r\nhalf"
        )
        await stream.send_eof()
        assert b" 200 " not in await read_to_end(stream)
    await unharmed()
    assert list((data_dir / "artifacts").iterdir()) == []


async def test_a_message_that_is_too_large_closes_its_socket(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    limits = Limits(sync=runt_protocol.Limits(max_message_bytes=1000))
    async with (
        open_server(data_dir=data_dir, limits=limits) as server,
        join(server) as other,
        join(server, compression=None) as peer,
    ):
        await peer.send_text("x" * 100_000)
        await peer.is_closed_with(1009)
        await other.push_and_confirm(event(1))


async def test_a_message_without_end_is_not_kept_in_memory(
    data_dir: Path,
) -> None:
    limits = Limits(sync=runt_protocol.Limits(max_message_bytes=1000), close_s=0.2)
    async with open_server(data_dir=data_dir, limits=limits) as server:
        request = UPGRADE.format(target=target_of(server, server.token)).encode()
        async with raw_connection(server) as stream:
            await stream.send_all(request)
            await stream.receive_some()
            await stream.send_all(b"\x81\xff" + (2**40).to_bytes(8) + b"\0\0\0\0")
            with trio.fail_after(5), pytest.raises(trio.BrokenResourceError):
                await send_for_ever(stream)


PULL = b'{"_tag":"WSMessage.PullReq","requestId":"r"}'


def masked(frame: bytes) -> bytes:
    """Return a short text as a client's WebSocket frame, with a mask of zeros."""
    return b"\x81" + bytes([0x80 | len(frame)]) + bytes(4) + frame


@asynccontextmanager
async def slow_reader(server: Server) -> AsyncGenerator[trio.SocketStream]:
    """Join the room, then leave the socket unread."""
    async with raw_connection(server) as stream:
        target = target_of(server, server.token)
        await stream.send_all(UPGRADE.format(target=target).encode())
        assert b" 101 " in await stream.receive_some()
        yield stream


async def take_part(stream: trio.SocketStream) -> None:
    """Pull, so that broadcasts come from now on."""
    await stream.send_all(masked(PULL))
    assert b"PullRes" in await stream.receive_some()


def large_event(event: MakeEvent, seq_num: int) -> dict[str, Any]:
    return event(seq_num, args={"id": "x" * 500_000})


async def test_a_peer_that_does_not_read_slows_nobody_and_is_sent_away(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    limits = Limits(max_queued_chars=2_000_000, close_s=5)
    async with (
        open_server(data_dir=data_dir, limits=limits) as server,
        join(server, compression=None) as peer,
        slow_reader(server) as slow,
    ):
        await take_part(slow)
        with trio.fail_after(10):
            for seq_num in range(1, 31):  # far beyond what the kernel buffers
                await peer.push_and_confirm(large_event(event, seq_num))
        # It wakes up: the frame that was under way, then the reason.
        reason = (1013).to_bytes(2) + b"too slow: reconnect and pull"
        assert (await read_to_end(slow, end=reason)).endswith(reason)


async def test_a_peer_that_never_reads_again_does_not_keep_the_server(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    async def never_read(server: Server, task_status: trio.TaskStatus[None]) -> None:
        async with slow_reader(server) as slow:
            await take_part(slow)
            task_status.started()
            await trio.sleep_forever()

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            async with open_server(
                data_dir=data_dir, limits=Limits(stop_s=1)
            ) as server:
                await nursery.start(never_read, server)
                async with join(server, compression=None) as peer:
                    for seq_num in range(1, 31):
                        await peer.push_and_confirm(large_event(event, seq_num))
                begin = trio.current_time()
            assert 0.9 < trio.current_time() - begin < Limits().stop_s
            nursery.cancel_scope.cancel()


async def test_a_peer_that_stalls_is_dropped(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    limits = Limits(send_stall_s=0.3)
    async with (
        open_server(data_dir=data_dir, limits=limits) as server,
        join(server, compression=None) as peer,
        slow_reader(server) as slow,
    ):
        await take_part(slow)
        for seq_num in range(1, 31):
            await peer.push_and_confirm(large_event(event, seq_num))
        await trio.sleep(0.6)
        assert len(await read_to_end(slow)) < 30 * 500_000


async def test_a_slow_peer_can_pull_more_than_may_wait_for_it(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    sync = runt_protocol.Limits(pull_chunk_bytes=1_000_000)
    limits = Limits(sync=sync, max_queued_chars=2_000_000)
    async with open_server(data_dir=data_dir, limits=limits) as server:
        async with join(server, compression=None) as peer:
            for seq_num in range(1, 31):
                await peer.push_and_confirm(large_event(event, seq_num))
        async with slow_reader(server) as slow:
            await slow.send_all(masked(PULL))
            await trio.sleep(0.3)
            received = await read_to_end(slow, end=b'"remaining":0}')
    assert received.count(b'"seqNum":') == 30


async def test_frames_that_wait_are_delivered_when_the_server_stops(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    wake = trio.Event()
    received = b""

    async def read_late(server: Server, task_status: trio.TaskStatus[None]) -> None:
        nonlocal received
        async with slow_reader(server) as slow:
            await take_part(slow)
            task_status.started()
            await wake.wait()
            received = await read_to_end(slow, end=b"the server stops")

    async with (
        trio.open_nursery() as nursery,
        open_server(data_dir=data_dir) as server,
    ):
        await nursery.start(read_late, server)
        async with join(server, compression=None) as peer:
            for seq_num in range(1, 31):
                await peer.push_and_confirm(large_event(event, seq_num))
        wake.set()
    assert received.count(b'"seqNum":') == 30
    assert received.endswith(b"the server stops")


async def test_nothing_follows_half_a_frame(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    limits = Limits(max_queued_chars=2_000_000, close_s=0.2)
    async with (
        open_server(data_dir=data_dir, limits=limits) as server,
        join(server, compression=None) as peer,
        slow_reader(server) as slow,
    ):
        await take_part(slow)
        for seq_num in range(1, 31):
            await peer.push_and_confirm(large_event(event, seq_num))
        await trio.sleep(0.5)  # too slow, and then not even there for the close
        assert (await read_to_end(slow)).endswith(b"xxx")


async def test_an_early_refusal_reaches_a_peer_that_sends_on(server: Server) -> None:
    async with raw_connection(server) as stream:
        await stream.send_all(
            b"POST /api/artifacts HTTP/1.1\r\nhost: x\r\n"
            b"content-length: 5000000\r\n\r\n"
        )
        for _ in range(50):
            await stream.send_all(b"x" * 100_000)
        assert (await read_to_end(stream)).startswith(b"HTTP/1.1 401 ")
