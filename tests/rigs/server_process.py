"""The sync server as a process that can be killed."""

import os
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
import trio
from runt_command import EXECUTABLE

TOKEN = "token-of-a-server-process"
START_S = 60


class ServerProcess:
    """`runt sync serve` on one data directory and one port, whatever happens to it.

    Attributes:
        data_dir: What it keeps.
        token: What its clients have to know.
        sync_url: Where they find it, the same after each start.
        process: The process that runs, or ran last.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.token = TOKEN
        self.sync_url = ""
        self.process: trio.Process

    @property
    def port(self) -> int:
        return int(self.sync_url.rpartition(":")[2].partition("/")[0] or 0)

    async def start(self) -> None:
        command = [EXECUTABLE, "sync", "serve"]
        options = ["--port", str(self.port), "--data-dir", str(self.data_dir)]
        self.process = await trio.lowlevel.open_process(
            [*command, *options],
            stdout=subprocess.PIPE,
            env=os.environ | {"RUNT_SYNC_TOKEN": TOKEN},
        )
        assert self.process.stdout is not None
        said = b""
        with trio.fail_after(START_S):
            while b"Token:" not in said:
                piece = await self.process.stdout.receive_some()
                assert piece, f"the server has ended: {said!r}"
                said += piece
        self.sync_url = said.decode().split()[2]

    async def kill(self) -> None:
        """End it without a moment to tidy up."""
        self.process.kill()
        with trio.CancelScope(shield=True):
            await self.process.wait()


StartServerProcess = Callable[[], Awaitable[ServerProcess]]


@pytest.fixture
async def start_server_process(
    tmp_path: Path,
) -> AsyncGenerator[StartServerProcess]:
    """Start a server process; it is killed when the test ends."""
    started: list[ServerProcess] = []

    async def start() -> ServerProcess:
        server = ServerProcess(tmp_path / f"server-{len(started)}")
        started.append(server)
        await server.start()
        return server

    yield start
    for server in started:
        await server.kill()
