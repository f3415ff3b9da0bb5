"""The real command in processes of its own, with real servers and sandboxes."""

import base64
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import trio
from runt_command import DEADLINE_S, Finished, RunningCommand, running, runt

from runt_agent import Notebook, open_notebook
from runt_protocol import NotebookState
from runt_sync import open_server
from runt_worker.testing import DEAF

ROOT = Path(__file__).parents[2]
TOKEN = "token-of-these-tests"


def read_result(path: Path) -> Any:
    untyped: Any = nbformat
    result = untyped.read(path, as_version=4)
    untyped.validate(result)
    return result


def outputs_by_id(path: Path) -> dict[str, list[Any]]:
    return {
        cell.id: cell.outputs
        for cell in read_result(path).cells
        if cell.cell_type == "code"
    }


@pytest.mark.parametrize(
    ("arguments", "env", "named"),
    [
        ([], {}, ["--notebook", "NOTEBOOK_ID", "--auth-token", "AUTH_TOKEN"]),
        (["-n", "x"], {}, ["--auth-token", "AUTH_TOKEN", "RUNT_API_KEY"]),
        ([], {"RUNT_API_KEY": "secret"}, ["--notebook", "NOTEBOOK_ID"]),
        (["-n", "x", "-t", "secret", "-s", "http://h"], {}, ["ws://", "wss://"]),
        (["-n", "a b", "-t", "secret"], {}, ["notebook id"]),
        (["--env-file", "missing.env"], {}, ["missing.env"]),
        (["-n", "x", "run", "a.ipynb"], {}, ["run"]),
        (["run", "missing.ipynb"], {}, ["missing.ipynb"]),
        (["run", __file__, "-o", "missing/out.ipynb"], {}, ["missing/out.ipynb"]),
        (["run", __file__, "-n", "x"], {}, ["--sync-url"]),
        (["run", __file__, "-s", "ws://h"], {}, ["NOTEBOOK_ID", "AUTH_TOKEN"]),
        (["up"], {"RUNT_SYNC_TOKEN": "secret token"}, ["RUNT_SYNC_TOKEN"]),
        (["up", "--port", "99999"], {}, ["--port"]),
        (["unheard-of"], {}, ["unheard-of"]),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], env: dict[str, str], named: list[str]
) -> None:
    done = runt(*arguments, XDG_DATA_HOME=str(tmp_path), **env)
    assert done.status == 2
    assert [name for name in named if name not in done.err] == []
    assert "Traceback" not in done.err
    assert "secret" not in done.out + done.err


def test_help_names_every_flag_and_command() -> None:
    done = runt("-h")
    assert done.status == 0
    for name in ["-n,", "-t,", "-s,", "--runtime-id", "--env-file", "run", "exec"]:
        assert name in done.out


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, runt_cli; runt_cli.main(['--help']); "
        "print([m for m in ('trio', 'rich', 'nbformat', 'msgspec', 'httpx') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


async def test_a_server_tells_its_url_and_keeps_its_token_to_itself(
    tmp_path: Path,
) -> None:
    arguments = ["sync", "serve", "--port", "0", "--data-dir", tmp_path / "data"]
    with running(tmp_path, *arguments, RUNT_SYNC_TOKEN=TOKEN) as server:
        url = server.wait_for(r"^Sync URL:  (\S+)$")
        async with join(url, "any") as notebook:
            assert notebook.is_synced
        stopped = server.stop(signal.SIGTERM)
    assert stopped.status == 0
    assert TOKEN not in stopped.out + stopped.err


def test_a_second_server_in_one_directory_is_refused(tmp_path: Path) -> None:
    arguments = ["sync", "serve", "--port", "0", "--data-dir", tmp_path / "data"]
    with running(tmp_path, *arguments) as server:
        server.wait_for(r"^Sync URL:  (\S+)$")
        second = runt(*arguments)
    assert second.status == 2
    assert "another sync server" in second.err


def test_the_example_of_the_readme_prints_what_it_says() -> None:
    text = (ROOT / "packages" / "runt-cli" / "README.md").read_text()
    example = re.search(r"^\$ runt (.+)\n([^`]+)", text, re.MULTILINE)
    assert example is not None
    done = runt(*shlex.split(example.group(1)))
    assert (done.status, done.out) == (0, example.group(2))


def test_a_snippet_from_standard_input_that_raises_gives_status_1() -> None:
    done = runt("exec", "-", stdin="print('before')\ninput('?')\n")
    assert (done.status, done.out) == (1, "before\n")
    assert "StdinNotImplementedError" in done.err
    assert "nobody can answer" in done.err


def test_a_console_without_a_terminal_says_what_to_use_instead() -> None:
    done = runt("console", stdin="1 + 1\n")
    assert (done.status, done.out) == (2, "")
    assert "runt exec -" in done.err


def test_ctrl_c_ends_a_snippet(tmp_path: Path) -> None:
    code = "print('begun', flush=True)\nwhile True: pass"
    with running(tmp_path, "exec", code) as snippet:
        snippet.wait_for("(begun)")
        stopped = snippet.stop()
    assert stopped.status == 130
    assert "KeyboardInterrupt" in stopped.err


def test_a_second_ctrl_c_ends_at_once_what_does_not_heed_the_first(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "exec", DEAF) as snippet:
        snippet.wait_for("(begun)")
        snippet.process.send_signal(signal.SIGINT)
        snippet.wait_for("(no)")
        assert snippet.stop().status == -signal.SIGINT


def test_the_quickstart_runs_to_its_end(tmp_path: Path) -> None:
    result = tmp_path / "result.ipynb"
    done = runt("run", ROOT / "examples" / "quickstart.ipynb", "-o", result)
    assert done.status == 0, done.err
    assert "apples: +36% since 2019" in done.out
    outputs = outputs_by_id(result)
    (table,) = outputs["frame"]
    assert "<table" in table.data["text/html"]
    (figure,) = outputs["plot"]
    png = base64.b64decode(figure.data["image/png"])
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(png) > 10_000
    (files,) = outputs["files"]
    assert re.search(r"^/outputs/harvest.png \d{5,} bytes$", files.text, re.MULTILINE)
    cells = read_result(result).cells
    sources = json.loads((ROOT / "examples" / "quickstart.ipynb").read_text())["cells"]
    assert [cell.id for cell in cells] == [cell["id"] for cell in sources]
    counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
    assert counts == [1, 2, 3, 4, 5]


def test_ctrl_c_ends_a_run_and_keeps_what_it_has(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("print('first')\n# %%\nprint('begun')\nwhile True: pass\n")
    result = tmp_path / "result.ipynb"
    with running(tmp_path, "run", script, "-o", result) as run:
        run.wait_for("(begun)")
        stopped = run.stop()
    assert stopped.status == 130
    assert "Traceback" not in stopped.err
    outputs = outputs_by_id(result)
    assert outputs["cell-0"][0].text == "first\n"
    assert outputs["cell-1"][0].text == "begun\n"


@dataclass
class Up:
    running: RunningCommand
    url: str
    data_dir: Path

    def run(self, source: str, folder: Path, *flags: str) -> tuple[Finished, Path]:
        script, result = folder / "script.py", folder / "result.ipynb"
        script.write_text(source)
        arguments = ["run", script, "-o", result, "-s", self.url, "-n", "shared"]
        return runt(*arguments, *flags, AUTH_TOKEN=TOKEN), result


@contextmanager
def up(folder: Path) -> Generator[Up]:
    data_dir = folder / "data"
    arguments = ["up", "--notebook", "shared", "--data-dir", data_dir]
    with running(folder, *arguments, RUNT_SYNC_TOKEN=TOKEN) as process:
        url = process.wait_for(r"^Sync URL:  (\S+)$")
        assert process.wait_for(r"^Notebook:  (\S+)$") == "shared"
        process.wait_for("(Ready)")
        yield Up(process, url, data_dir)


@pytest.fixture(scope="module")
def shared_up(tmp_path_factory: pytest.TempPathFactory) -> Generator[Up]:
    with up(tmp_path_factory.mktemp("up")) as it:
        yield it


@asynccontextmanager
async def join(url: str, notebook_id: str) -> AsyncGenerator[Notebook]:
    async with open_notebook(
        sync_url=url, notebook_id=notebook_id, payload={"authToken": TOKEN}
    ) as notebook:
        yield notebook


PICTURE = r"""
from IPython.display import HTML, Image, display
print("hello from", end=" ")
print("a cell")
display(HTML("<b>bold</b>"))
Image(data=b"\x89PNG\r\n\x1a\n" + bytes(9000), format="png")
"""


async def test_two_clients_see_what_a_third_one_runs(
    shared_up: Up, tmp_path: Path
) -> None:
    def is_complete(state: NotebookState) -> bool:
        return any(row.status == "completed" for row in state.execution_queue.values())

    async with (
        join(shared_up.url, "shared") as one,
        join(shared_up.url, "shared") as two,
    ):
        done, result = await trio.to_thread.run_sync(shared_up.run, PICTURE, tmp_path)
        assert done.status == 0, done.err
        for client in (one, two):
            await client.wait_for(is_complete)
        assert one.state.tables() == two.state.tables()
        kinds = [row.output_type for row in one.state.outputs.values()]
        assert kinds == ["terminal", "multimedia_display", "multimedia_result"]
    assert done.out.startswith("hello from a cell\n")
    text, html, image = outputs_by_id(result)["cell-0"]
    assert text == {
        "output_type": "stream",
        "name": "stdout",
        "text": "hello from a cell\n",
    }
    assert html.data["text/html"] == "<b>bold</b>"
    # It travelled as an artifact, and the file has it back.
    assert len(base64.b64decode(image.data["image/png"])) == 9008
    assert "/api/artifacts/" not in result.read_text()


def test_a_cell_that_raises_stops_the_run_and_the_result_is_kept(
    shared_up: Up, tmp_path: Path
) -> None:
    source = "print('one')\n# %%\n1 / 0\n# %%\nprint('three')\n"
    done, result = shared_up.run(source, tmp_path)
    assert (done.status, done.out) == (1, "one\n")
    assert "ZeroDivisionError" in done.err
    outputs = outputs_by_id(result)
    assert outputs["cell-1"][0].ename == "ZeroDivisionError"
    assert outputs["cell-2"] == []


def test_errors_can_be_allowed(shared_up: Up, tmp_path: Path) -> None:
    done, _ = shared_up.run("1 / 0\n# %%\nprint('after')\n", tmp_path, "--allow-errors")
    assert (done.status, done.out) == (0, "after\n")


def test_ctrl_c_withdraws_the_execution_and_leaves_the_agent_at_work(
    shared_up: Up, tmp_path: Path
) -> None:
    script = tmp_path / "loop.py"
    script.write_text("print('begun')\nwhile True: pass\n")
    flags = ["-s", shared_up.url, "-n", "shared"]
    with running(tmp_path, "run", script, *flags, AUTH_TOKEN=TOKEN) as run:
        run.wait_for("(begun)")
        assert run.stop().status == 130
    done, _ = shared_up.run("print('still there')", tmp_path)
    assert (done.status, done.out) == (0, "still there\n")


def test_a_wrong_token_is_refused_in_a_sentence(shared_up: Up, tmp_path: Path) -> None:
    done, result = shared_up.run("1", tmp_path, "-t", "wrong-token")
    assert done.status == 2
    assert "does not accept the auth token" in done.err
    assert "wrong-token" not in done.err
    assert not result.exists()


async def test_ctrl_c_ends_server_and_agent_and_the_session(tmp_path: Path) -> None:
    with up(tmp_path) as it:
        stopped = it.running.stop()
    assert stopped.status == 0
    assert "Traceback" not in stopped.err
    assert TOKEN not in stopped.err
    async with (
        open_server(data_dir=it.data_dir, token=TOKEN) as server,
        join(server.sync_url, "shared") as notebook,
    ):
        (session,) = notebook.state.runtime_sessions.values()
    assert (session.status, session.is_active) == ("terminated", False)


async def test_the_agent_alone_serves_a_notebook_until_it_is_told_to_stop(
    tmp_path: Path,
) -> None:
    env_file = tmp_path / "agent.env"
    async with open_server(data_dir=tmp_path / "data", token=TOKEN) as server:
        env_file.write_text(f"AUTH_TOKEN={TOKEN}\nRUNTIME_ID=my-runtime\n")
        flags = ["-n", "alone", "-s", server.sync_url, "--env-file", env_file]
        with running(tmp_path, *flags) as agent:
            async with join(server.sync_url, "alone") as notebook:
                with trio.fail_after(DEADLINE_S):
                    await notebook.wait_for(
                        lambda state: any(
                            row.status == "ready"
                            for row in state.runtime_sessions.values()
                        )
                    )
                stopped = await trio.to_thread.run_sync(agent.stop, signal.SIGTERM)
                await notebook.wait_for(
                    lambda state: all(
                        row.status == "terminated"
                        for row in state.runtime_sessions.values()
                    )
                )
                (session,) = notebook.state.runtime_sessions.values()
    assert stopped.status == 0
    assert session.runtime_id == "my-runtime"
    assert TOKEN not in stopped.out + stopped.err
