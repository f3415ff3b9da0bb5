"""A server whose disk is full refuses, keeps its log whole, and goes on later."""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
from server_process import ServerProcess, StartServerProcess

from runt_sync import Server
from runt_sync._token import Token

if TYPE_CHECKING:
    from ..conftest import Join, MakeEvent  # noqa: TID252

ROOM = 600_000


def let_files_grow_to(server: ServerProcess, max_bytes: int) -> None:
    """Make writes beyond a size fail in the server, as they do on a full disk."""
    limits = (max_bytes, resource.RLIM_INFINITY)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)


def known_as(server: ServerProcess) -> Server:
    return Server(f"127.0.0.1:{server.port}", Token(server.token))


async def upload(server: ServerProcess, content: bytes) -> int:
    headers = {"authorization": f"Bearer {server.token}", "x-notebook-id": "n"}
    async with httpx.AsyncClient(base_url=known_as(server).base_url) as client:
        answer = await client.post("/api/artifacts", headers=headers, content=content)
    return answer.status_code


async def test_a_full_disk_refuses_pushes_until_there_is_room_again(
    start_server_process: StartServerProcess, join: Join, event: MakeEvent
) -> None:
    def large(seq_num: int) -> dict[str, Any]:
        return event(seq_num, args={"id": f"{seq_num}-" + "x" * 50_000})

    server = await start_server_process()
    async with join(known_as(server)) as peer, join(known_as(server)) as other:
        await other.pull()
        let_files_grow_to(server, ROOM)
        acked = 0
        while True:
            await peer.push(large(acked + 1), large(acked + 2))
            answer = await peer.receive_any()
            if answer["_tag"] != "WSMessage.PushAck":
                break
            acked += 2
            await peer.receive("PullRes")
            await other.receive("PullRes")

        assert answer["_tag"] == "WSMessage.Error"
        assert (
            "could not be stored: the server's disk refuses them" in (answer["message"])
        )
        assert 0 < acked < ROOM / 50_000
        assert await other.is_silent()
        assert await upload(server, b"x" * 2 * ROOM) == 503
        assert len(await other.pull()) == acked  # what is there can be read

        let_files_grow_to(server, resource.RLIM_INFINITY)
        await other.push_and_confirm(large(acked + 1), large(acked + 2))
        assert await upload(server, b"x" * 2 * ROOM) == 200

    await server.kill()
    with closing(sqlite3.connect(server.data_dir / "runt-sync.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        numbers = database.execute("SELECT seq_num FROM events ORDER BY 1").fetchall()
    assert [number for (number,) in numbers] == list(range(1, acked + 3))
    await server.start()
    async with join(known_as(server)) as late:
        stored = [item["eventEncoded"] for item in await late.pull()]
    assert stored == [large(number) for number in range(1, acked + 3)]
