"""What a killed owner leaves is removed; what anybody else has is not."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runt_worker._private_directory import private_directory, sweep

OWNER = """
import sys
from runt_worker._private_directory import private_directory
with private_directory("test") as directory:
    (directory / "file").write_text("content")
    print(directory, flush=True)
    sys.stdin.read()
"""

OWNER_THAT_DIES = """
import os, signal, sys, tempfile
from runt_worker._private_directory import private_directory, sweep
tempfile.gettempdir()  # which tries it with a file that it removes
to_go = int(sys.argv[2])
def die_in_time(event, _):
    global to_go
    if event in {"os.remove", "os.rmdir"}:
        to_go -= 1
        if to_go == 0:
            os.kill(os.getpid(), signal.SIGKILL)
def prepare_to_die():
    sys.addaudithook(die_in_time)
if sys.argv[1] == "sweeper":
    prepare_to_die()
    sweep()
with private_directory("test") as directory:
    for name in ("a", "b", "inner/c", "y", "z"):
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).touch()
    print(directory, flush=True)
    prepare_to_die()
"""
REMOVALS = 8
"""Of five files, the mark, the inner directory and the directory."""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let temporary files of this process, and of those it starts, be made here."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@contextmanager
def owner() -> Generator[tuple[subprocess.Popen[str], Path]]:
    """Start a process that has a directory, and give both."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def killed_owners_directory() -> Path:
    with owner() as (process, directory):
        process.kill()
    assert (directory / "file").exists()
    return directory


def test_it_is_removed_with_its_block(place: Path) -> None:
    with private_directory("test") as directory:
        assert directory.parent == place.resolve()
        assert directory.stat().st_mode & 0o777 == 0o700
        (directory / "file").touch()
    assert list(place.iterdir()) == []


def test_what_a_killed_owner_left_is_removed() -> None:
    directory = killed_owners_directory()
    sweep()
    assert not directory.exists()


@pytest.mark.parametrize("who", ["owner", "sweeper"])
def test_whoever_is_killed_while_it_removes_leaves_what_a_sweep_removes(
    who: str, place: Path
) -> None:
    def remove_and_die(who: str, at_removal: int) -> None:
        command = [sys.executable, "-c", OWNER_THAT_DIES, who, str(at_removal)]
        dead = subprocess.run(command, capture_output=True, check=False)
        assert dead.returncode == -signal.SIGKILL, dead.stderr

    for at_removal in range(1, REMOVALS):
        remove_and_die("owner", at_removal if who == "owner" else 1)
        if who == "sweeper":
            remove_and_die(who, at_removal)
        sweep()
        assert list(place.iterdir()) == [], at_removal
    remove_and_die("owner", REMOVALS)
    [directory] = place.iterdir()
    assert list(directory.iterdir()) == []  # which may be anybody's, and costs nothing


def test_what_has_an_owner_stays() -> None:
    with owner() as (process, elsewhere), private_directory("test") as here:
        sweep()
        assert (elsewhere / "file").exists()
        assert here.exists()
        process.kill()


def test_what_is_not_ours_stays(place: Path) -> None:
    somebodys = place / "runt-project"
    somebodys.mkdir()
    (somebodys / "thesis.txt").touch()
    (place / "runt-notes.txt").touch()
    (place / "runt-fifo").mkdir()
    os.mkfifo(place / "runt-fifo" / ".owned-by-runt")
    sweep()
    assert (somebodys / "thesis.txt").exists()
    assert (place / "runt-notes.txt").exists()
    assert (place / "runt-fifo").exists()


def test_no_link_is_followed(
    place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / ".owned-by-runt").touch()
    (elsewhere / "file").touch()
    (place / "runt-link").symlink_to(elsewhere)
    abandoned = killed_owners_directory()
    (abandoned / "link").symlink_to(elsewhere)
    sweep()
    assert not abandoned.exists()
    assert (elsewhere / "file").exists()


def test_what_another_user_has_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    directory = killed_owners_directory()
    nobody_here = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: nobody_here)
    sweep()
    assert directory.exists()


def test_one_sweep_takes_a_bounded_number(place: Path) -> None:
    for number in range(50):
        directory = place / f"runt-test-{number}"
        directory.mkdir()
        (directory / ".owned-by-runt").touch()
    sweep()
    assert len(list(place.iterdir())) == 18
    sweep()
    assert list(place.iterdir()) == []


def test_a_sweep_can_be_ended_between_two_directories() -> None:
    directory = killed_owners_directory()

    def end() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(end)
    assert directory.exists()


def test_no_sweep_takes_what_is_being_made() -> None:
    is_over = threading.Event()
    lost: list[Path] = []

    def sweep_on() -> None:
        while not is_over.is_set():
            sweep()

    def own() -> None:
        for number in range(200):
            with private_directory("test") as directory:
                (directory / "file").write_text(str(number))
                if (directory / "file").read_text() != str(number):
                    lost.append(directory)

    sweepers = [threading.Thread(target=sweep_on) for _ in range(2)]
    owners = [threading.Thread(target=own) for _ in range(2)]
    for thread in sweepers + owners:
        thread.start()
    for thread in owners:
        thread.join()
    is_over.set()
    for thread in sweepers:
        thread.join()
    assert not lost


def test_a_place_that_is_gone_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    sweep()
