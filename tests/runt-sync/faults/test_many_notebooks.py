"""What a server holds grows with its clients, neither with its logs nor its stores."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from server_process import ServerProcess, StartServerProcess

from runt_sync import Server
from runt_sync._token import Token

if TYPE_CHECKING:
    from ..conftest import Join, MakeEvent  # noqa: TID252

NOTEBOOKS = 60
FEW = 6
PATIENCE_S = 60


def open_files(server: ServerProcess) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


async def until_open_files(server: ServerProcess, at_most: int) -> None:
    with trio.fail_after(PATIENCE_S):
        while open_files(server) > at_most:  # noqa: ASYNC110 - another process's
            await trio.sleep(0.01)


async def test_a_notebook_costs_a_server_no_more_than_its_sockets(
    start_server_process: StartServerProcess, join: Join, event: MakeEvent
) -> None:
    process = await start_server_process()
    server = Server(f"127.0.0.1:{process.port}", Token(process.token))
    async with join(server, "first") as peer:
        await peer.push_and_confirm(event(1))
        before = open_files(process) - 1
    async with AsyncExitStack() as stack:
        for number in range(NOTEBOOKS):
            peer = await stack.enter_async_context(join(server, f"n{number}"))
            await peer.push_and_confirm(event(1))
        assert before + NOTEBOOKS <= open_files(process) <= before + NOTEBOOKS + FEW
    await until_open_files(process, before + FEW)
