"""`runt doctor`, the real one: what it says of this machine and of a server."""

from functools import partial
from pathlib import Path

import pytest
import trio
from runt_command import runt

from runt_sync import open_server

TOKEN = "token-of-these-tests"


def doctor(*arguments: str, **env: str) -> tuple[int, dict[str, str], str]:
    """Run it; return its status, what it says by name with its mark, and all of it."""
    status, out, err = runt("doctor", *arguments, **env)
    lines = [line.partition(": ") for line in out.splitlines()]
    found = {name[4:]: f"{name[:2]} {text}" for name, _, text in lines}
    return status, found, out + err


def test_it_tries_the_sandbox_and_looks_at_the_mounts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, found, _ = doctor("--mount", str(tmp_path), "--mount-readonly")
    assert found["escape"].startswith("ok tried, and refused: a file")
    assert found["mount"].endswith(", read-only, 1 entries")
    assert found["sync server"].startswith("ok not asked")
    assert found["Deno"].startswith("ok deno ")
    broken = [text for text in found.values() if text.startswith("!!")]
    assert status == (1 if broken else 0)
    assert set(broken) <= {found["Landlock"]}, "which this machine may lack"


async def test_a_server_has_to_answer_and_to_take_the_token(tmp_path: Path) -> None:
    async with open_server(data_dir=tmp_path / "data", token=TOKEN) as server:
        ask = partial(doctor, "--sync-url", server.sync_url, "--notebook", "n")
        right = partial(ask, AUTH_TOKEN=TOKEN)
        _, found, text = await trio.to_thread.run_sync(right)
        assert found["sync server"].endswith("answers")
        assert found["token"].startswith("ok accepted")
        assert found["notebook"] == "ok n was read: 0 cells"
        assert TOKEN not in text
        wrong = partial(ask, AUTH_TOKEN="another-token")
        status, found, text = await trio.to_thread.run_sync(wrong)
        assert found["sync server"].startswith("ok ")
        assert found["token"].startswith("!! ")
        assert "another-token" not in text
        assert status == 1


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (["--sync-url", "ws://127.0.0.1:9/livestore", "-t", TOKEN], "sync server"),
        (["--sync-url", "http://example.org", "-t", TOKEN], "sync server"),
        (["--sync-url", "ws://127.0.0.1:9/livestore"], "token"),
    ],
)
def test_what_is_wrong_with_a_server_is_told(flags: list[str], name: str) -> None:
    status, found, text = doctor(*flags)
    assert found[name].startswith("!! ")
    assert status == 1
    assert TOKEN not in text
