"""What commands log, and what other users of the machine see of them.

The token is nowhere; neither is the source of a cell.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXECUTABLE = Path(sys.executable).with_name("runt")
TOKEN = "token-that-nobody-may-see"
SOURCE = "source-that-no-log-may-hold"
DEADLINE_S = 120.0

SCRIPT = f"""
kept = "{SOURCE}"
print("a cell ran")
# %%
raise ValueError(kept)
"""


def environment(**variables: str) -> dict[str, str]:
    ours = re.compile(r"NOTEBOOK_ID|AUTH_TOKEN|RUNT_|LIVESTORE_SYNC_URL|RUNTIME_ID")
    clean = {name: value for name, value in os.environ.items() if not ours.match(name)}
    return clean | variables


@dataclass
class Service:
    """A command that goes on.

    Attributes:
        process: it.
        out: what it prints.
        err: what it logs.
    """

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def wait_for(self, file: Path, pattern: str) -> str:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if found := re.search(pattern, file.read_text()):
                return found.group(1)
            assert self.process.poll() is None, self.err.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{pattern} did not come: {file.read_text()}")

    def descendants(self) -> list[Path]:
        """Return where the system tells of the processes that it started."""
        found: list[Path] = []
        waiting = [self.process.pid]
        while waiting:
            tasks = Path(f"/proc/{waiting.pop()}/task")
            children = [it.read_text().split() for it in tasks.glob("*/children")]
            pids = [int(pid) for line in children for pid in line]
            found += [Path(f"/proc/{pid}") for pid in pids]
            waiting += pids
        return found


@contextmanager
def service(folder: Path, name: str, *arguments: str, **env: str) -> Generator[Service]:
    out, err = folder / f"{name}.out", folder / f"{name}.err"
    with (
        out.open("wb") as out_file,
        err.open("wb") as err_file,
        subprocess.Popen(
            [EXECUTABLE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out_file,
            stderr=err_file,
            env=environment(**env),
        ) as process,
    ):
        try:
            yield Service(process, out, err)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=DEADLINE_S)


def runt(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [EXECUTABLE, *arguments],
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@dataclass
class Session:
    """What a server, an agent and a client left of their work with a notebook."""

    server_log: str
    agent_log: str
    client: subprocess.CompletedProcess[str]
    refused: subprocess.CompletedProcess[str]
    children: dict[str, str]


@pytest.fixture(scope="module", params=["info", "debug"])
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Session]:
    level, folder = str(request.param), tmp_path_factory.mktemp("logs")
    flags = ["--log-level", level, "--log-json"]
    script = folder / "script.py"
    script.write_text(SCRIPT)
    serve = ["sync", "serve", "--port", "0", "--data-dir", str(folder / "data")]
    with service(folder, "server", *serve, *flags, RUNT_SYNC_TOKEN=TOKEN) as server:
        url = server.wait_for(server.out, r"Sync URL:  (\S+)")
        joined = ["--notebook", "logged", "--sync-url", url]
        with service(folder, "agent", *joined, *flags, AUTH_TOKEN=TOKEN) as agent:
            agent.wait_for(agent.err, r"(Attached)")
            run = ["run", str(script), "--allow-errors", *joined, *flags]
            client = runt(*run, AUTH_TOKEN=TOKEN)
            refused = runt(*run, AUTH_TOKEN=f"other-{TOKEN}")
            children = {
                str(place): (place / file).read_text()
                for place in agent.descendants()
                for file in ("cmdline", "environ")
            }
        agent_log = agent.err.read_text()
    server_log = server.err.read_text()
    return level, Session(server_log, agent_log, client, refused, children)


def entries(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def test_neither_token_nor_source_is_logged(session: tuple[str, Session]) -> None:
    _, it = session
    assert it.client.stdout == "a cell ran\n"
    for log in (it.server_log, it.agent_log, it.client.stderr, it.refused.stderr):
        assert TOKEN not in log
    assert SOURCE not in it.server_log + it.agent_log


def test_entries_name_what_they_are_about(session: tuple[str, Session]) -> None:
    level, it = session
    logged = entries(it.agent_log)
    [starts, _] = [entry for entry in logged if "starts" in entry["message"]]
    assert starts["level"] == "info"
    assert starts["session_id"].startswith("session-")
    assert starts["queue_id"] in starts["message"]
    assert starts["cell_id"] in starts["message"]
    assert ("debug" in {entry["level"] for entry in logged}) == (level == "debug")


def test_a_refusal_does_not_quote_the_token(session: tuple[str, Session]) -> None:
    _, it = session
    assert it.refused.returncode == 2
    assert "does not accept the auth token" in it.refused.stderr


def test_no_child_has_the_token(session: tuple[str, Session]) -> None:
    _, it = session
    if not Path("/proc").exists():
        return
    assert it.children, "the agent has a sandbox"
    assert TOKEN not in str(it.children)


def test_what_cannot_be_reached_is_told_without_the_token(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("1")
    nowhere = ["--notebook", "n", "--sync-url", "ws://127.0.0.1:9/livestore"]
    done = runt("run", str(script), *nowhere, AUTH_TOKEN=TOKEN)
    assert done.returncode == 2
    assert TOKEN not in done.stdout + done.stderr


def test_text_logs_hold_no_source_either(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"kept = '{SOURCE}'\nprint('a cell ran')")
    done = runt("run", str(script), "--log-level", "debug")
    assert done.stdout == "a cell ran\n"
    assert "execution" in done.stderr
    assert SOURCE not in done.stderr
