"""The second layer alone: Deno with all its rights, and what the kernel leaves it.

What a kernel can deny differs by its version; each test expects just what the running
one says that it can.
"""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template

import pytest

from runt_worker._command import Installation, ProcessPaths
from runt_worker._confinement import file_rules, library_directories
from runt_worker._distribution import ASSETS, deno_executable
from runt_worker._landlock import (
    FileRight,
    Rule,
    handled,
    landlock_abi,
    run_confined,
)

ABI = landlock_abi()

ATTEMPTS = Template("""
const attempts = {
    "read a file": () => Deno.readTextFileSync("$secret"),
    "list a directory": () => [...Deno.readDirSync("$host")],
    "write a file": () => Deno.writeTextFileSync("$host/new", "x"),
    "append to a file": () => Deno.writeTextFileSync("$secret", "", { append: true }),
    "make a directory": () => Deno.mkdirSync("$host/directory"),
    "remove a file": () => Deno.removeSync("$host/victim"),
    "make a link": () => Deno.symlinkSync("/etc/passwd", "$host/link"),
    "run a program": () => new Deno.Command("$python", { args: ["-V"] }).outputSync(),
    "run a shell": () => new Deno.Command("/bin/sh").outputSync(),
    "load a library": () => Deno.dlopen("libcrypt.so.1", {}),
    "read its environment": () => Deno.readTextFileSync("/proc/self/environ"),
    "read ours": () => Deno.readTextFileSync("/proc/$supervisor/environ"),
    "connect": () => Deno.connect({ hostname: "127.0.0.1", port: $port }),
    "listen": () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
    "end a process": () => Deno.kill($victim, "SIGTERM"),
    "read its own place": () => Deno.readDirSync("$own").next(),
    "write its own place": () => Deno.writeTextFileSync("$own/new", "x"),
    "read the assets": () => Deno.readTextFileSync("$assets/deno/host.ts"),
    "write the assets": () => Deno.openSync("$assets/deno/host.ts", { write: true }),
};
const refused = [];
for (const [name, attempt] of Object.entries(attempts)) {
    try { await attempt(); } catch (error) { refused.push(name + ": " + error); }
}
console.log(JSON.stringify(refused));
Deno.exit(0);
""")

OF_FILES = {
    "read a file",
    "list a directory",
    "write a file",
    "append to a file",
    "make a directory",
    "remove a file",
    "make a link",
    "run a program",
    "run a shell",
    "load a library",
    "read its environment",
    "read ours",
    "write the assets",
}


@dataclass
class Tried:
    """What Deno could not do, and what it did to the host.

    Attributes:
        refused: names of attempts.
        connected: whether something connected to a listener of the host.
        ended: whether a process of the host was ended.
    """

    refused: set[str]
    connected: bool
    ended: bool


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    host = tmp_path_factory.mktemp("host")
    for name in ("secret", "victim"):
        (host / name).write_text("canary")
    paths = make_paths(tmp_path_factory.mktemp("run"))
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        subprocess.Popen(sleep) as process,
    ):
        code = ATTEMPTS.substitute(
            secret=host / "secret",
            host=host,
            python=Path(sys.executable).resolve(),
            supervisor=os.getpid(),
            port=listener.getsockname()[1],
            victim=process.pid,
            own=paths.deno_directory,
            assets=ASSETS,
        )
        refused = json.loads(run_with_all_rights(paths, code))
        listener.setblocking(False)  # noqa: FBT003 - the standard library's own
        connected = can_accept(listener)
        with_end = process.poll()
        process.kill()
    names = {text.partition(":")[0] for text in refused}
    return Tried(names, connected=connected, ended=with_end is not None)


def make_paths(run_directory: Path) -> ProcessPaths:
    installation = Installation(
        deno=deno_executable(),
        assets=ASSETS,
        distribution=run_directory / "pyodide",
        packages=run_directory / "packages",
    )
    paths = ProcessPaths(installation=installation, run_directory=run_directory)
    paths.deno_directory.mkdir()
    paths.working_directory.mkdir()
    return paths


def run_with_all_rights(paths: ProcessPaths, code: str) -> bytes:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [paths.installation.deno, "eval", "--quiet", code],
            stdout=subprocess.PIPE,
            cwd=paths.working_directory,
            env={"DENO_DIR": str(paths.deno_directory)},
        )

    rules = file_rules(paths, library_directories())
    with run_confined(rules, ABI, start) as process:
        output, _ = process.communicate(timeout=60)
    return output


def can_accept(listener: socket.socket) -> bool:
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


def test_no_file_but_its_own_can_be_reached(tried: Tried) -> None:
    refused_anyway = {"read its environment"} & tried.refused
    if ABI >= 1:
        assert tried.refused >= OF_FILES, OF_FILES - tried.refused
    else:
        assert not (tried.refused & OF_FILES) - refused_anyway


def test_what_it_needs_is_left(tried: Tried) -> None:
    needed = {"read its own place", "write its own place", "read the assets"}
    assert not needed & tried.refused


def test_nothing_is_reached_by_tcp(tried: Tried) -> None:
    assert tried.connected == (ABI < 4)
    assert ({"connect", "listen"} <= tried.refused) == (ABI >= 4)


def test_no_process_is_ended(tried: Tried) -> None:
    assert tried.ended == ("end a process" not in tried.refused) == (ABI < 6)


def test_only_the_process_is_confined_and_not_who_starts_it(tmp_path: Path) -> None:
    run_confined((), ABI, lambda: None)
    (tmp_path / "file").write_text("x")
    assert (tmp_path / "file").read_text() == "x"


def test_what_goes_wrong_at_the_start_is_raised(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(OSError, match="missing"):
        run_confined((), 0, lambda: subprocess.Popen([missing]))


def test_the_thread_can_do_what_its_rules_say_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "allowed").write_text("x")
    (tmp_path / "other").write_text("x")

    def read(name: str) -> str:
        rule = Rule(tmp_path / "allowed", FileRight.READ_FILE, "the test")
        return run_confined([rule], ABI, (tmp_path / name).read_text)

    assert read("allowed") == "x"
    if ABI:
        with pytest.raises(PermissionError):
            read("other")
    else:
        assert read("other") == "x"


def test_each_version_denies_what_it_knows_and_what_those_before_it_did() -> None:
    assert handled(1) == ((1 << 13) - 1, 0, 0)
    assert handled(2) == ((1 << 14) - 1, 0, 0)
    assert handled(3) == ((1 << 15) - 1, 0, 0)
    assert handled(4) == ((1 << 15) - 1, 3, 0)
    assert handled(5) == ((1 << 16) - 1, 3, 0)
    assert handled(6) == handled(7) == ((1 << 16) - 1, 3, 3)


@pytest.mark.parametrize("abi", range(1, ABI + 1))
def test_a_program_runs_under_every_version_that_the_kernel_knows(
    tmp_path: Path, abi: int
) -> None:
    rule = Rule(tmp_path, FileRight.READ_DIR, "the test")
    assert run_confined([rule], abi, lambda: list(tmp_path.iterdir())) == []
