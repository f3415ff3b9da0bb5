"""One real sandbox, started from an environment that holds a secret, and its host.

Whether an attack failed is not for the sandbox to say: the host looks after its
canaries.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runt_worker.testing import SharedWorker, shared_worker

CANARY = "canary-that-no-cell-may-see"

SECRET = "canary-in-a-file-of-the-host"


@pytest.fixture(scope="session")
def canary() -> str:
    return CANARY


@pytest.fixture(scope="session")
def sandbox() -> Generator[SharedWorker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNT_API_KEY", CANARY)
        patch.setenv("AUTH_TOKEN", CANARY)
        with shared_worker() as shared:
            yield shared


@pytest.fixture(scope="session")
def other_sandbox() -> Generator[SharedWorker]:
    """Another one that runs meanwhile."""
    with shared_worker() as other:
        yield other


@dataclass(kw_only=True)
class Canaries:
    """What of the host an attack could reach; any trace of it is found here.

    Attributes:
        directory: of files, one of them the secret.
        environment: a secret in the environment of this process.
        process: one that nobody may end.
        tcp: nobody may connect to it.
        udp: nobody may send to it.
        unix: nobody may connect to it.
        watched: files with the times of their last change.
    """

    directory: Path
    environment: str
    process: subprocess.Popen[bytes]
    tcp: socket.socket
    udp: socket.socket
    unix: socket.socket
    watched: dict[Path, int] = field(default_factory=dict[Path, int])

    @property
    def secret(self) -> Path:
        return self.directory / "secret"

    def watch(self, *directories: Path) -> None:
        """Notice from now on what changes in these and in our own directory."""
        self.watched = {
            path: path.lstat().st_mtime_ns
            for directory in (self.directory, *directories)
            for path in (directory, *directory.rglob("*"))
        }

    def harm(self, said: str) -> list[str]:
        """Say what an attack that said this has done to the host."""
        found = [
            f"a secret was told: {secret}"
            for secret in (SECRET, self.environment)
            if secret in said
        ]
        if self.secret.read_text() != SECRET:
            found.append("a file was changed")
        found += [
            f"changed: {path}"
            for path, changed in self.watched.items()
            if not os.path.lexists(path) or path.lstat().st_mtime_ns != changed
        ]
        if self.process.poll() is not None:
            found.append("a process was ended")
        for listener in (self.tcp, self.unix):
            if _has_connection(listener):
                found.append(f"connected to {listener.getsockname()}")
        if _has_datagram(self.udp):
            found.append("a datagram was sent")
        return found


def _has_connection(listener: socket.socket) -> bool:
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


def _has_datagram(receiver: socket.socket) -> bool:
    try:
        receiver.recv(1)
    except BlockingIOError:
        return False
    return True


@pytest.fixture(scope="session")
def canaries(
    tmp_path_factory: pytest.TempPathFactory, canary: str
) -> Generator[Canaries]:
    directory = tmp_path_factory.mktemp("host")
    sleep = [sys.executable, "-c", "import time; time.sleep(3600)"]
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
        subprocess.Popen(sleep) as process,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(str(directory / "socket"))
        unix.listen()
        for each in (tcp, udp, unix):
            each.setblocking(False)  # noqa: FBT003 - the standard library's own
        made = Canaries(
            directory=directory,
            environment=canary,
            process=process,
            tcp=tcp,
            udp=udp,
            unix=unix,
        )
        made.secret.write_text(SECRET)
        made.watch()
        yield made
        process.kill()
