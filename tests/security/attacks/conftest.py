"""Attacks of guest code, each judged by what the host sees of it afterwards.

An attack says how it failed; that word shows that it got as far as the barrier and did
not stumble over itself. Whether it failed is not for the sandbox to say: the host looks
after its canaries.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import pytest

from runt_worker import WorkerDiedError
from runt_worker._cache_dir import default_cache_dir
from runt_worker._distribution import ASSETS
from runt_worker.testing import SharedWorker, shared_worker

SECRET = "canary-in-a-file-of-the-host"

FRESH_CELL_S = 2.0
"""Whatever a cell did, the next one has run after so long."""

PREPARED = """
import asyncio, ctypes, io, json, os, signal, socket, subprocess, sys, time
import js, pyodide_js
from pyodide.code import run_js
from pyodide.ffi import to_js
def plain(**fields):
    return to_js(fields, dict_converter=js.Object.fromEntries)
async def js_run(body):
    return await run_js("(async () => {" + body + "})()")
async def worker_run(body, options=""):
    source = f'''(async () => {{ {body} }})().then(
        (value) => postMessage("value: " + value),
        (error) => postMessage("" + error))'''
    return await run_js('''(source, options) => new Promise((done) => {
        const url = "data:application/javascript," + encodeURIComponent(source);
        const worker = new Worker(url, { type: "module", ...JSON.parse(options) });
        worker.onmessage = (event) => { worker.terminate(); done(event.data); };
        worker.onerror = (event) => {
            event.preventDefault(); done("" + event.message); };
    })''')(source, options or "{}")
"""


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


class Assailant:
    """Runs attacks in one sandbox, one after the other.

    Args:
        sandbox: where they run.
        canaries: what they must not reach.
        other: the private directory of another sandbox that runs meanwhile.
    """

    def __init__(self, sandbox: SharedWorker, canaries: Canaries, other: Path) -> None:
        self._sandbox = sandbox
        self._canaries = canaries
        self._other = other
        self._prepared = 0
        self._places: dict[str, str] = {}

    def assail(self, code: str, *, spoils: bool = False) -> str:
        """Run an attack and return all that it said; the host must be unharmed.

        Args:
            code: a cell, with places of the host as `$names`.
            spoils: its kernel is of no use to others afterwards.
        """
        code = Template(code).safe_substitute(self._prepare())
        said = self._run(code)
        if spoils:
            self._sandbox.call(self._sandbox.worker.restart)
        harm = self._canaries.harm(said)
        assert not harm, said
        start = time.monotonic()
        assert self._sandbox.run("print('a fresh cell')").text() == "a fresh cell\n"
        assert time.monotonic() - start < FRESH_CELL_S
        return said

    def _run(self, code: str) -> str:
        try:
            ran = self._sandbox.run(code)
        except WorkerDiedError as error:  # and is started anew
            return f"WorkerDied: {error}"
        return f"{ran.reply} {ran.outputs}"

    def _prepare(self) -> dict[str, str]:
        """Return what the attacks are told of the host: a guess would do as well."""
        pid = self._sandbox.call(_pid, self._sandbox)
        if pid != self._prepared:
            assert self._sandbox.run(PREPARED).status == "ok"
            self._prepared, self._places = pid, self._look_up()
        return self._places

    def _look_up(self) -> dict[str, str]:
        where = "js.Deno.args[2], js.Deno.args[3], js.Deno.cwd()"
        ran = self._sandbox.run(f"print({where}, sep='|', end='')")
        distribution, image, working = ran.text().split("|")
        return {
            "secret": str(self._canaries.secret),
            "host": str(self._canaries.directory),
            "socket": str(self._canaries.directory / "socket"),
            "tcp": str(self._canaries.tcp.getsockname()[1]),
            "udp": str(self._canaries.udp.getsockname()[1]),
            "victim": str(self._canaries.process.pid),
            "supervisor": str(os.getpid()),
            "assets": str(ASSETS),
            "packages": str(next((default_cache_dir() / "unpacked").iterdir())),
            "distribution": distribution,
            "image": str(Path(image).parent),
            "run": str(Path(working).parent),
            "other": str(self._other),
        }


async def _pid(sandbox: SharedWorker) -> int:
    return sandbox.worker.pid


@pytest.fixture(scope="session")
def other_run_directory() -> Generator[Path]:
    """The private directory of another sandbox, in which a cell left something."""
    with shared_worker() as other:
        ran = other.run("import js; print(js.Deno.cwd(), end='')")
        yield Path(ran.text()).parent


@pytest.fixture(scope="session")
def assailant(
    sandbox: SharedWorker, canaries: Canaries, other_run_directory: Path
) -> Assailant:
    return Assailant(sandbox, canaries, other_run_directory)


@pytest.fixture
def assail(assailant: Assailant) -> Callable[..., str]:
    return assailant.assail
