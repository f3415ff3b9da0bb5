"""Clients of LiveStore 0.3 that connect anew, on real sockets with real Pongs."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runt_sync import Server, open_server

if TYPE_CHECKING:
    from .conftest import Join, MakeEvent, Peer

PULL_ID = "a-request-of-nanoid-s"


async def ping(peer: "Peer") -> None:
    await peer.send("Ping", requestId="ping")
    assert (await peer.receive("Pong"))["requestId"] == "ping"


async def open_javascript_client(peer: "Peer", cursor: int) -> None:
    """Begin as LiveStore does: it pulls once, and pings."""
    await peer.send("PullReq", requestId=PULL_ID, cursor=cursor)
    await peer.receive("PullRes")
    await ping(peer)


async def test_who_comes_back_gets_what_it_lacks(
    server: Server, join: "Join", event: "MakeEvent"
) -> None:
    async with join(server) as writer:
        await writer.push_and_confirm(event(1))
        async with join(server) as client:
            await open_javascript_client(client, cursor=1)
        await writer.push_and_confirm(event(2))
        async with join(server) as client:
            await ping(client)
            answer = await client.receive("PullRes")

    assert answer["requestId"] == {"context": "pull", "requestId": PULL_ID}
    assert [item["eventEncoded"]["seqNum"] for item in answer["batch"]] == [2]


async def test_the_next_server_knows_who_comes_back(
    tmp_path: Path, join: "Join", event: "MakeEvent"
) -> None:
    async with open_server(data_dir=tmp_path) as server, join(server) as client:
        await open_javascript_client(client, cursor=0)
    async with open_server(data_dir=tmp_path) as server, join(server) as writer:
        await writer.pull()  # else it might be the one that was here
        await writer.push_and_confirm(event(1))
        async with join(server) as client:
            await ping(client)
            answer = await client.receive("PullRes")

    assert [item["eventEncoded"]["seqNum"] for item in answer["batch"]] == [1]


@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"\xff" * 8, b"x" * 125])
async def test_pongs_that_nobody_asked_for_do_no_harm(
    server: Server, join: "Join", event: "MakeEvent", content: bytes
) -> None:
    async with join(server) as client, join(server) as other:
        await open_javascript_client(client, cursor=0)
        await client.socket.pong(content)
        await other.push_and_confirm(event(1))
        assert len((await client.receive("PullRes"))["batch"]) == 1
        assert await client.is_silent()
