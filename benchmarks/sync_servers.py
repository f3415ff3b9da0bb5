"""The sync servers that are compared, each as a process of its own."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

TOKEN = "token-of-the-benchmark"  # noqa: S105 - opens nothing


@dataclass(frozen=True)
class RunningServer:
    """A server under load.

    Attributes:
        url: Its sync URL.
        pid: The process; None where it is somebody else's to know.
    """

    url: str
    pid: int | None = None

    def cpu_s(self) -> float:
        """Return the processor time that it has used (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Return its resident memory (Linux)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def open_files(self) -> int:
        """Return how many descriptors it holds (Linux)."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@asynccontextmanager
async def open_runt_sync(data_dir: Path) -> AsyncGenerator[RunningServer]:
    """Run `runt sync serve` for as long as the block runs."""
    runt = Path(sys.executable).with_name("runt")
    process = await trio.lowlevel.open_process(
        [runt, "sync", "serve", "--port", "0", "--data-dir", data_dir],
        stdout=subprocess.PIPE,
        env=os.environ | {"RUNT_SYNC_TOKEN": TOKEN},
    )
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        said = b""
        while b"Token:" not in said:
            said += await process.stdout.receive_some() or b"Token:"
        yield RunningServer(said.decode().split()[2], process.pid)
    finally:
        process.terminate()
        with trio.CancelScope(shield=True):
            await process.wait()
