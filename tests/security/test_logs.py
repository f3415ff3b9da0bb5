"""What commands log, and what other users of the machine see of them.

The token is nowhere; neither is the source of a cell.
"""

import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from runt_command import Finished, running, runt

TOKEN = "token-that-nobody-may-see"
SOURCE = "source-that-no-log-may-hold"

SCRIPT = f"""
kept = "{SOURCE}"
print("a cell ran")
# %%
raise ValueError(kept)
"""


def descendants(process: subprocess.Popen[bytes]) -> list[Path]:
    """Return where the system tells of the processes that a process has started."""
    found: list[Path] = []
    waiting = [process.pid]
    while waiting:
        tasks = Path(f"/proc/{waiting.pop()}/task")
        children = [it.read_text().split() for it in tasks.glob("*/children")]
        pids = [int(pid) for line in children for pid in line]
        found += [Path(f"/proc/{pid}") for pid in pids]
        waiting += pids
    return found


@dataclass
class Session:
    """What a server, an agent and a client left of their work with a notebook."""

    server_log: str
    agent_log: str
    client: Finished
    refused: Finished
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
    with running(
        folder, *serve, *flags, name="server", RUNT_SYNC_TOKEN=TOKEN
    ) as server:
        url = server.wait_for(r"Sync URL:  (\S+)")
        joined = ["--notebook", "logged", "--sync-url", url]
        with running(folder, *joined, *flags, name="agent", AUTH_TOKEN=TOKEN) as agent:
            agent.wait_for("Attached", in_err=True)
            run = ["run", str(script), "--allow-errors", *joined, *flags]
            client = runt(*run, AUTH_TOKEN=TOKEN)
            refused = runt(*run, AUTH_TOKEN=f"other-{TOKEN}")
            children = {
                str(place): (place / file).read_text()
                for place in descendants(agent.process)
                for file in ("cmdline", "environ")
            }
            agent_log = agent.stop(signal.SIGTERM).err
        server_log = server.stop(signal.SIGTERM).err
    return level, Session(server_log, agent_log, client, refused, children)


def entries(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def test_neither_token_nor_source_is_logged(session: tuple[str, Session]) -> None:
    _, it = session
    assert it.client.out == "a cell ran\n"
    for log in (it.server_log, it.agent_log, it.client.err, it.refused.err):
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
    assert it.refused.status == 2
    assert "does not accept the auth token" in it.refused.err


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
    assert done.status == 2
    assert TOKEN not in done.out + done.err


def test_text_logs_hold_no_source_either(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"kept = '{SOURCE}'\nprint('a cell ran')")
    done = runt("run", str(script), "--log-level", "debug")
    assert done.out == "a cell ran\n"
    assert "execution" in done.err
    assert SOURCE not in done.err
