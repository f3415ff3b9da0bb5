"""The store as runt opens it, with the Pyodide that runt installs."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import runt_worker._packages as public
from runt_worker import WorkerOptions
from runt_worker._distribution import install_distribution
from runt_worker._packages import LockFileError, WheelCache, open_package_store
from runt_worker._packages._cdn import pyodide_base_url

if TYPE_CHECKING:
    from .conftest import MakeWheel, WebServer


@pytest.fixture(scope="session")
def pyodide_dir() -> Path:
    return install_distribution(WorkerOptions().cache_dir)


def test_pyodide_itself_says_where_its_packages_are(pyodide_dir: Path) -> None:
    url = pyodide_base_url(pyodide_dir)
    assert url.startswith("https://")
    assert url.endswith("/v314.0.3/full/")


def test_every_package_of_pyodide_has_an_order(
    pyodide_dir: Path, tmp_path: Path
) -> None:
    lock = open_package_store(pyodide_dir=pyodide_dir, cache_dir=tmp_path).lock
    assert len(lock.packages) > 300
    assert len(lock.closure(lock.packages)) == len(lock.packages)
    assert lock.package_for_import("sklearn") == "scikit-learn"


def test_the_users_directory_comes_before_the_mirror(
    pyodide_dir: Path,
    tmp_path: Path,
    wheelhouse: Path,
    web: "WebServer",
    make_wheel: "MakeWheel",
) -> None:
    fake = tmp_path / "pyodide"
    fake.mkdir()
    for name in ("pyodide.mjs", "package.json"):
        shutil.copy(pyodide_dir / name, fake)
    (spam, spam_data), (eggs, eggs_data) = make_wheel("spam"), make_wheel("eggs")
    entries = ",".join(
        f'"{pin.name}":{{"name":"{pin.name}","version":"1","file_name":'
        f'"{pin.file_name}","sha256":"{pin.sha256}"}}'
        for pin in (spam, eggs)
    )
    (fake / "pyodide-lock.json").write_text(
        f'{{"info":{{"abi_version":"1","python":"3"}},"packages":{{{entries}}}}}'
    )
    (wheelhouse / spam.file_name).write_bytes(spam_data)
    web.add(eggs.file_name, eggs_data)

    store = open_package_store(
        pyodide_dir=fake,
        cache_dir=tmp_path / "cache",
        packages_dir=wheelhouse,
        mirror_url=web.url,
    )
    installed = store.ensure(["spam", "eggs"])
    assert [package.name for package in installed] == ["spam", "eggs"]
    assert web.requests == [eggs.file_name]
    assert WheelCache(tmp_path / "cache").get(spam)


def test_a_directory_that_is_no_pyodide(tmp_path: Path) -> None:
    with pytest.raises(LockFileError, match="is no Pyodide"):
        open_package_store(pyodide_dir=tmp_path, cache_dir=tmp_path / "cache")


def test_the_exports_are_sorted_and_there() -> None:
    assert public.__all__ == sorted(public.__all__)
    assert all(hasattr(public, name) for name in public.__all__)
