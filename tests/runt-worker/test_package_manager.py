"""The package cache as its user manages it."""

import io
import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest

from runt_worker import PackageError, PackageManager, WorkerOptions, read_requirements
from runt_worker._cache_use import cache_use
from runt_worker._distribution import install_distribution


@pytest.fixture
def options(tmp_path: Path) -> WorkerOptions:
    """Return options with a cache that holds Pyodide and no package."""
    distribution = install_distribution(WorkerOptions().cache_dir)
    cache_dir = tmp_path / "cache"
    shutil.copytree(distribution, cache_dir / "pyodide" / distribution.name)
    return WorkerOptions(cache_dir=cache_dir)


def wheel(path: Path, *members: str) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in members or ("spam.py", "spam-1.dist-info/METADATA"):
            archive.writestr(member, "Name: spam\nVersion: 1\n")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return path


def test_what_is_added_is_listed_and_found_without_a_network(
    options: WorkerOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    manager = PackageManager(options)
    assert manager.packages() == []
    wheel(tmp_path / "in" / "spam-1-py3-none-any.whl")
    assert manager.add(tmp_path / "in") == ["spam-1-py3-none-any.whl"]
    [package] = manager.packages()
    assert (package.name, package.version) == ("spam", "1")
    assert package.source == "a file of yours"
    assert manager.add(tmp_path / "in") == ["spam-1-py3-none-any.whl"]
    assert len(manager.packages()) == 1


@pytest.mark.parametrize(
    ("name", "members", "reason"),
    [
        ("spam-1-cp313-cp313-linux_x86_64.whl", (), "neither a file of Pyodide's"),
        ("spam.txt", (), "neither a file of Pyodide's"),
        ("spam-1-py3-none-any.whl", ("spam.py",), "files of metadata"),
        (
            "spam-1-py3-none-any.whl",
            ("../evil", "spam-1.dist-info/METADATA"),
            "outside its directory",
        ),
        ("missing.whl", None, "No such file"),
    ],
)
def test_what_cannot_be_added(
    options: WorkerOptions,
    tmp_path: Path,
    name: str,
    members: tuple[str, ...] | None,
    reason: str,
) -> None:
    path = tmp_path / "in" / name
    if members is not None:
        wheel(path, *members)
    with pytest.raises(PackageError, match=reason):
        PackageManager(options).add(path)


def test_a_file_of_pyodides_is_known_by_its_hash(
    options: WorkerOptions, tmp_path: Path
) -> None:
    home = PackageManager(WorkerOptions())
    [six] = [it for it in home.fetch(["six"]) if it[0] == "six"]
    cached = next((WorkerOptions().cache_dir / "wheels").glob("*/six-*.whl"))
    renamed = tmp_path / "whatever"
    shutil.copy(cached, renamed)
    manager = PackageManager(options)
    assert manager.add(renamed) == [cached.name]
    [package] = manager.packages()
    assert (package.name, package.version, package.source) == (*six, "Pyodide")


def test_pruning_keeps_what_somebody_wanted(
    options: WorkerOptions, tmp_path: Path
) -> None:
    manager = PackageManager(options)
    manager.add(wheel(tmp_path / "in" / "spam-1-py3-none-any.whl"))
    cache = options.cache_dir
    old, young = cache / "wheels" / ".old", cache / "unpacked" / ".young"
    old.write_bytes(b"x" * 1000)
    young.mkdir()
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    unnamed = cache / "wheels" / ("0" * 64) / "ham-1-py3-none-any.whl"
    unnamed.parent.mkdir()
    unnamed.write_bytes(b"y" * 500)
    unpacked = cache / "unpacked" / ("0" * 64)
    unpacked.mkdir()
    (unpacked / "file").write_bytes(b"z" * 200)

    with cache_use(cache):
        pruned = manager.prune()
        assert (pruned.freed_bytes, pruned.is_in_use) == (1500, True)
        assert unpacked.is_dir(), "a worker may read it"
    pruned = manager.prune()
    assert (pruned.freed_bytes, pruned.is_in_use) == (200, False)
    assert young.is_dir(), "it may be under way"
    assert [it.name for it in manager.packages()] == ["spam"]

    assert manager.prune(everything=True).freed_bytes > 0
    assert manager.packages() == []
    assert (cache / "pyodide").is_dir()


def test_requirements_files_are_read_with_what_they_include(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    first = tmp_path / "first.txt"
    first.write_text("spam\n-r sub/second.txt\n-c limits.txt\n")
    second = f"eggs==1 --hash=sha256:{'a' * 64}\n-r ../first.txt\n"
    (tmp_path / "sub" / "second.txt").write_text(second)
    (tmp_path / "limits.txt").write_text("ham<2\n")
    assert read_requirements([first]) == (
        ["spam", f"eggs==1 --hash=sha256:{'a' * 64}"],
        ["ham<2"],
    )
    (tmp_path / "limits.txt").write_text("-e .\n")
    with pytest.raises(PackageError, match=r"limits\.txt: -e \.: nothing can be built"):
        read_requirements([first])
    with pytest.raises(PackageError, match=r"none\.txt: it cannot be read"):
        read_requirements([tmp_path / "none.txt"])
