import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_worker._packages import (
    LockedPackage,
    LockFileError,
    PyodideLock,
    UnknownPackageError,
)

EXCERPT = Path(__file__).parent / "data" / "pyodide-lock-excerpt.json"


@pytest.fixture(scope="module")
def lock() -> PyodideLock:
    return PyodideLock.parse(EXCERPT.read_bytes())


def test_reads_what_pyodide_ships(lock: PyodideLock) -> None:
    assert lock.abi_version == "2026_0"
    assert lock.python_version == "3.14.0"
    assert lock.package("numpy") == LockedPackage(
        name="numpy",
        version="2.4.3",
        file_name="numpy-2.4.3-cp314-cp314-pyemscripten_2026_0_wasm32.whl",
        sha256="0cad9c1b91f0082e4f959bc0e0bf5835a2efbba6ab3b1e9d1fe6e7e564cca98e",
        imports=("numpy",),
    )


def test_a_shared_library_is_known_as_one(lock: PyodideLock) -> None:
    library = lock.package("libgeos")
    assert library.package_type == "shared_library"
    assert library.install_dir == "dynlib"


def test_dependencies_come_first_and_once(lock: PyodideLock) -> None:
    names = [p.name for p in lock.closure(["scikit-learn", "pandas", "numpy"])]
    assert len(names) == len(set(names))
    assert names[-1] == "pandas"
    assert {"numpy", "scipy", "joblib", "threadpoolctl"} <= set(
        names[: names.index("scikit-learn")]
    )


def test_tests_come_only_when_they_are_asked_for(lock: PyodideLock) -> None:
    assert "pandas-tests" not in [p.name for p in lock.closure(["pandas"])]
    assert [p.name for p in lock.closure(["pandas-tests"])][-1] == "pandas-tests"


@pytest.mark.parametrize("spelling", ["ruamel.yaml", "Ruamel_YAML", "ruamel-yaml"])
def test_a_name_may_be_spelled_in_any_way(lock: PyodideLock, spelling: str) -> None:
    assert lock.package(spelling).name == "ruamel-yaml"


def test_a_dependency_may_be_spelled_in_any_way(lock: PyodideLock) -> None:
    # The file says astropy_iers_data there, and astropy-iers-data here.
    assert "astropy-iers-data" in [p.name for p in lock.closure(["astropy"])]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn", "scikit-learn"),
        ("sklearn.svm", "scikit-learn"),
        ("PIL", "pillow"),
        ("dateutil.parser", "python-dateutil"),
        ("json", None),
        ("", None),
    ],
)
def test_an_import_leads_to_its_package(
    lock: PyodideLock, module: str, name: str | None
) -> None:
    assert lock.package_for_import(module) == name


@pytest.mark.parametrize(
    ("asked", "meant"), [("sklearn", "scikit-learn"), ("panda", "pandas")]
)
def test_an_unknown_name_gets_a_hint(lock: PyodideLock, asked: str, meant: str) -> None:
    with pytest.raises(UnknownPackageError, match=f"Did you mean {meant}") as caught:
        lock.closure(["numpy", asked])
    assert caught.value.name == asked
    assert caught.value.similar[0] == meant


def lock_text(**changes: object) -> str:
    """Return a lock of one package, valid but for the changes."""
    entry: dict[str, object] = {
        "name": "a",
        "version": "1",
        "file_name": "a.whl",
        "sha256": "0" * 64,
        "depends": [],
    }
    info = {"abi_version": "1", "python": "3"}
    return json.dumps({"info": info, "packages": {"a": entry | changes}})


def test_the_text_that_is_changed_below_is_a_lock() -> None:
    assert PyodideLock.parse(lock_text().encode()).package("a").version == "1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "\udcff",
        lock_text(version=None),
        lock_text(depends=["b"]),
        lock_text(file_name="../a.whl"),
        lock_text(file_name=".."),
        lock_text(file_name="a\n"),
        lock_text(sha256="../../evil"),
        lock_text(sha256="0" * 64 + "\n"),
        lock_text(package_type="executable"),
    ],
)
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(LockFileError):
        PyodideLock.parse(text.encode("utf-8", "surrogateescape"))


@given(st.data())
def test_any_graph_is_put_in_order(data: st.DataObject) -> None:
    names = [f"p{i}" for i in range(8)]
    edges = {
        name: data.draw(st.lists(st.sampled_from(names), max_size=3)) for name in names
    }
    lock = PyodideLock(
        {
            name: LockedPackage(
                name=name,
                version="1",
                file_name="a.whl",
                sha256="0" * 64,
                depends=tuple(edges[name]),
            )
            for name in names
        },
        abi_version="1",
        python_version="3",
    )
    roots = data.draw(st.lists(st.sampled_from(names), min_size=1))
    closure = [package.name for package in lock.closure(roots)]

    reached: set[str] = set()
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += edges[name]
    assert set(closure) == reached
    assert len(closure) == len(reached)
    for name in closure:
        for other in edges[name]:
            if not _reaches(edges, other, name):
                assert closure.index(other) < closure.index(name)


def _reaches(edges: dict[str, list[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            todo += edges[name]
    return False


def test_the_excerpt_is_sorted() -> None:
    names = list(PyodideLock.parse(EXCERPT.read_bytes()).packages)
    assert all(a < b for a, b in pairwise(names))
