"""The console's history is the user's, and nobody else's."""

import stat
from pathlib import Path

import pytest
from prompt_toolkit.history import InMemoryHistory

from runt_cli._console_history import open_history


def test_only_the_user_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = tmp_path / "runt" / "console-history"
    open_history().store_string("first")
    path.chmod(0o644)  # as another program may have left it
    history = open_history()
    history.store_string("second")
    assert list(history.load_history_strings()) == ["second", "first"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_place_for_it_it_ends_with_the_console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runt").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert isinstance(open_history(), InMemoryHistory)
