"""What `runt doctor` says of this machine, against what is there."""

from pathlib import Path

import pytest

from runt_worker import WorkerOptions, check_installation
from runt_worker._landlock import landlock_abi
from runt_worker.testing import SharedWorker


def found(cache_dir: Path) -> dict[str, tuple[str, str]]:
    return {it.name: (it.found, it.hint) for it in check_installation(cache_dir)}


def test_an_installation_that_is_whole_needs_nothing(sandbox: SharedWorker) -> None:
    assert sandbox.run("1").status == "ok"
    hints = {name: hint for name, (_, hint) in found(WorkerOptions().cache_dir).items()}
    landlock = hints.pop("Landlock")
    assert set(hints.values()) == {""}
    assert (landlock == "") == (landlock_abi() > 0)


def test_an_empty_cache_is_told_with_what_helps(tmp_path: Path) -> None:
    checked = found(tmp_path)
    assert checked["Pyodide"] == ("not installed yet", "run: runt setup")
    assert checked["memory image"] == ("not made yet", "run: runt setup")


def test_what_it_says_of_landlock_is_what_the_kernel_says(tmp_path: Path) -> None:
    abi = landlock_abi()
    text, _ = found(tmp_path)["Landlock"]
    assert text.startswith(f"version {abi}, tried" if abi else "none")


@pytest.mark.parametrize(
    ("abi", "tcp", "signals"),
    [
        (3, "Deno's alone", "Deno's alone"),
        (4, "denied by the kernel", "Deno's alone"),
        (6, "denied by the kernel", "denied by the kernel"),
    ],
)
def test_each_version_is_told_by_what_it_denies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, abi: int, tcp: str, signals: str
) -> None:
    monkeypatch.setattr("runt_worker._checks.landlock_abi", lambda: abi)

    def holds(_abi: int) -> bool:
        return True

    monkeypatch.setattr("runt_worker._checks._holds", holds)
    checked = found(tmp_path)
    assert checked["TCP"][0] == tcp
    assert checked["signals"][0] == signals


def test_a_kernel_without_landlock_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("runt_worker._checks.landlock_abi", lambda: 0)
    assert found(tmp_path)["Landlock"][1] != ""
