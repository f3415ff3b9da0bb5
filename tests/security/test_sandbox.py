"""Guest code reaches JavaScript, and from there nothing of the host."""

import os
import socket
from collections.abc import Generator
from pathlib import Path

import pytest

from runt_worker.testing import Ran, SharedWorker

PORT = "PORT"
"""Stands for the port of a listener on this machine."""

PREPARED = """
import js
from pyodide.code import run_js
from pyodide.ffi import to_js
def plain(**fields):
    return to_js(fields, dict_converter=js.Object.fromEntries)
def worker_saying(expression):
    source = f"try {{ postMessage({expression}) }} catch (e) {{ postMessage('' + e) }}"
    return run_js('''(source) => new Promise((done) => {
        const url = "data:application/javascript," + encodeURIComponent(source);
        const worker = new Worker(url, { type: "module" });
        worker.onmessage = (event) => { worker.terminate(); done(event.data); };
    })''')(source)
"""


@pytest.fixture(scope="module", autouse=True)
def _prepared(sandbox: SharedWorker) -> None:
    assert sandbox.run(PREPARED).status == "ok"


REFUSED = {
    "read a file": "js.Deno.readTextFileSync('/etc/passwd')",
    "list a directory": "js.Deno.readDirSync('/').next()",
    "stat a file": "js.Deno.statSync('/etc/passwd')",
    "follow proc": "js.Deno.readTextFileSync('/proc/self/environ')",
    "read by node:fs": (
        "await run_js('''import('node:fs')"
        ".then((fs) => fs.readFileSync('/etc/passwd', 'utf8'))''')"
    ),
    "read by fetch": "await js.fetch('file:///etc/passwd')",
    "import a file": "await run_js('import(\"file:///etc/passwd\")')",
    "import from the network": f"await run_js('import(\"http://127.0.0.1:{PORT}/x\")')",
    "read in a nested worker": (
        "raise RuntimeError(await worker_saying"
        "('Deno.readTextFileSync(\"/etc/passwd\")'))"
    ),
    "fetch": f"await js.fetch('http://127.0.0.1:{PORT}/')",
    "connect": f"await js.Deno.connect(plain(hostname='127.0.0.1', port={PORT}))",
    "listen": "js.Deno.listen(plain(hostname='127.0.0.1', port=0))",
    "open a WebSocket": f"run_js('new WebSocket(\"ws://127.0.0.1:{PORT}\")')",
    "resolve a name": "await js.Deno.resolveDns('localhost', 'A')",
    "connect by node:net": (
        "raise RuntimeError(await run_js('''import('node:net').then((net) =>\n"
        f"    new Promise((done) => net.connect({PORT}, '127.0.0.1')\n"
        "        .on('connect', () => done('connected'))\n"
        "        .on('error', (error) => done('' + error))))'''))"
    ),
    "environment by Deno": "js.Deno.env.toObject()",
    "environment by node": "js.process.env.AUTH_TOKEN",
    "run a program": "js.Deno.Command.new('/bin/ls').outputSync()",
    "run by node": (
        "await run_js('''import('node:child_process')"
        ".then((m) => m.execFileSync('/bin/ls', { env: {} }))''')"
    ),
    "signal the supervisor": "js.Deno.kill(js.Deno.ppid, 'SIGTERM')",
    "signal by node": "js.process.kill(js.process.ppid, 'SIGTERM')",
    "load a library": "js.Deno.dlopen('libc.so.6', js.Object.new())",
    "ask for the host's name": "js.Deno.hostname()",
    "write into the working directory": "js.Deno.writeTextFileSync('file', 'x')",
    "write into /tmp": "js.Deno.writeTextFileSync('/tmp/of-a-guest', 'x')",
    "make a temporary file": "js.Deno.makeTempFileSync()",
    "make a directory": "js.Deno.mkdirSync('directory')",
    "remove its own assets": "js.Deno.removeSync(js.Deno.execPath())",
}

NOT_CAPABLE = (
    "NotCapable",
    "Requires ",
    "Permission denied",  # by the kernel: Deno reads resolv.conf before it refuses
)


@pytest.fixture(scope="module")
def listener() -> Generator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def run_on(sandbox: SharedWorker, code: str, listener: socket.socket) -> Ran:
    return sandbox.run(code.replace(PORT, str(listener.getsockname()[1])))


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
def test_what_deno_must_refuse(
    sandbox: SharedWorker, listener: socket.socket, attempt: str
) -> None:
    ran = run_on(sandbox, attempt, listener)
    assert ran.status != "ok", ran.outputs
    assert ran.reply
    assert any(word in ran.reply.evalue for word in NOT_CAPABLE), ran.reply.evalue
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_no_right_can_be_asked_for(sandbox: SharedWorker) -> None:
    code = """
names = ["read", "write", "net", "env", "run", "sys", "ffi", "import"]
{js.Deno.permissions.requestSync(plain(name=name)).state for name in names}
"""
    ran = sandbox.run(code)
    assert [getattr(shown, "data", shown) for shown in ran.outputs] == [
        {"text/plain": "{'denied'}"}
    ]


def test_the_fifos_cannot_be_opened_again(sandbox: SharedWorker) -> None:
    directory = run_directory(sandbox)
    attempts = [
        f"js.Deno.openSync('{directory / name}', plain(read={read}, write={not read}))"
        for name in ("control-in", "control-out", "call-request", "call-reply")
        for read in (True, False)
    ] + [
        f"js.Deno.{change}Sync('{directory / 'control-out'}'{more})"
        for change, more in [
            ("remove", ""),
            ("rename", f", '{directory / 'control-in'}'"),
            ("writeTextFile", ", 'x'"),
            ("symlink", ", '/tmp/of-a-guest'"),
        ]
    ]
    for attempt in attempts:
        ran = sandbox.run(attempt)
        assert ran.reply
        assert ran.reply.evalue.startswith("NotCapable"), (attempt, ran.reply)


def test_nor_by_a_nested_worker(sandbox: SharedWorker) -> None:
    for name in ("control-out", "call-request"):
        path = run_directory(sandbox) / name
        code = f'await worker_saying(\'Deno.writeTextFileSync("{path}", "x")\')'
        [shown] = sandbox.run(code).outputs
        assert "NotCapable" in str(shown), (name, shown)


def test_nothing_that_a_cell_sees_holds_a_secret(
    sandbox: SharedWorker, canary: str
) -> None:
    assert canary in os.environ.values()
    code = """
import os, sys
print(dict(os.environ), sys.argv, sys.orig_argv)
print(list(js.Deno.args), list(js.process.argv), js.Deno.cwd())
print(js.JSON.stringify(js.process.env))
"""
    ran = sandbox.run(code)
    assert "/control-in" in ran.text(), "the arguments are seen"
    assert canary not in str(ran.outputs)
    process = Path(f"/proc/{sandbox.call(pid, sandbox)}")
    if process.exists():
        assert canary.encode() not in (process / "environ").read_bytes()
        assert canary.encode() not in (process / "cmdline").read_bytes()


def test_a_cell_sees_no_file_of_the_host_in_pythons_own_file_system(
    sandbox: SharedWorker,
) -> None:
    ran = sandbox.run("import os; print(os.path.exists('/etc/passwd'), os.getpid())")
    assert ran.text().split()[0] == "False"
    site = "/lib/python3.14/site-packages"
    for attempt in [
        f"open('{site}/evil.py', 'w')",
        f"open('{site}/IPython/__init__.py', 'a')",
        f"os.remove('{site}/IPython/__init__.py')",
        f"os.rename('{site}/IPython', '{site}/evil')",
        f"os.mkdir('{site}/evil')",
        f"os.symlink('/tmp', '{site}/evil')",
        f"os.chmod('{site}/IPython', 0o777)",
        f"os.truncate('{site}/IPython/__init__.py', 0)",
    ]:
        ran = sandbox.run(attempt)
        assert ran.reply
        assert ran.reply.ename in {"OSError", "PermissionError"}, (attempt, ran.reply)


async def pid(sandbox: SharedWorker) -> int:
    return sandbox.worker.pid


def run_directory(sandbox: SharedWorker) -> Path:
    [shown] = sandbox.run("js.Deno.cwd()").outputs
    text = getattr(shown, "data", {})["text/plain"].strip("'")
    directory = Path(text).parent
    assert (directory / "control-out").is_fifo()
    return directory
