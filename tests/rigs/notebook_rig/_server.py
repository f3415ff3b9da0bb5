"""A sync server in this process that a test can stop while its clients go on."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from runt_sync import Server, open_server

TOKEN = "token-that-nobody-may-see"


class RunningServer:
    """A server that has started.

    Attributes:
        server: The server.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.scope = trio.CancelScope()
        self.ended = trio.Event()

    @property
    def port(self) -> int:
        return int(self.server.base_url.rpartition(":")[2])

    async def stop(self) -> None:
        self.scope.cancel()
        await self.ended.wait()


StartServer = Callable[..., Awaitable[RunningServer]]


async def run_stoppable_server(
    data_dir: Path,
    token: str,
    port: int,
    *,
    task_status: trio.TaskStatus[RunningServer],
) -> None:
    """Run a server until it is stopped.

    Args:
        data_dir: What it keeps.
        token: What its clients have to know.
        port: Where it listens; 0 for any.
        task_status: Is given the server when it listens.
    """
    async with open_server(data_dir=data_dir, token=token, port=port) as server:
        running = RunningServer(server)
        with running.scope:
            task_status.started(running)
            await trio.sleep_forever()
    running.ended.set()
