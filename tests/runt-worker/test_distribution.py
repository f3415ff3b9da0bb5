"""Pyodide is installed once, whole, whoever asks and whatever happens meanwhile."""

import subprocess
import sys
from pathlib import Path

import pytest

from runt_worker import SetupError
from runt_worker._distribution import (
    deno_executable,
    find_distribution,
    install_distribution,
)

INSTALL = """
import sys
from pathlib import Path
from runt_worker._distribution import install_distribution
print(install_distribution(Path(sys.argv[1])))
"""


def test_two_processes_install_at_once_and_later_ones_find_it(tmp_path: Path) -> None:
    assert find_distribution(tmp_path) is None
    command = [sys.executable, "-c", INSTALL, str(tmp_path)]
    racers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    printed = {racer.communicate(timeout=300)[0].strip() for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0]
    [place] = printed
    for name in ("pyodide.mjs", "pyodide.asm.wasm", "pyodide-lock.json"):
        assert (Path(place) / name).stat().st_size > 10_000
    # Only the result is left.
    assert list(Path(place).parent.iterdir()) == [Path(place)]
    assert find_distribution(tmp_path) == Path(place)


def test_what_is_there_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake_install(directory: Path) -> Path:
        package = directory / "package"
        package.mkdir()
        (package / "pyodide.mjs").touch()
        fetched.append(package)
        return package

    fetched: list[Path] = []
    monkeypatch.setattr("runt_worker._distribution._deno_install", fake_install)
    place = install_distribution(tmp_path)
    assert install_distribution(tmp_path) == place
    assert len(fetched) == 1


def test_without_a_network_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1/")
    with pytest.raises(SetupError, match=r"could not fetch Pyodide.*run: runt setup"):
        install_distribution(tmp_path)
    assert list((tmp_path / "pyodide").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyodide").write_text("in the way")
    with pytest.raises(SetupError, match="set XDG_CACHE_HOME"):
        install_distribution(tmp_path)


def test_a_missing_executable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FileNotFoundError

    monkeypatch.setattr("runt_worker._distribution.find_deno_bin", missing)
    with pytest.raises(SetupError, match="reinstall it"):
        deno_executable()
