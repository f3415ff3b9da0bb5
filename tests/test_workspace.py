"""What holds the six packages together: versions, exports, declared dependencies."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.name for path in (ROOT / "packages").iterdir())

IMPORT_NAMES = {"pypi-simple": "pypi_simple"}
"""Distributions whose import name is not their own name."""

RUN_AS_PROGRAMS = {"deno"}
"""Distributions that bring an executable and are not always imported."""


def project_of(package: str) -> dict[str, Any]:
    text = (ROOT / "packages" / package / "pyproject.toml").read_text()
    return tomllib.loads(text)["project"]


def module_of(package: str) -> str:
    return package.replace("-", "_")


def source_files(package: str) -> list[Path]:
    source = ROOT / "packages" / package / "src" / module_of(package)
    # `kernel/` runs inside Pyodide and imports what is installed there.
    return [path for path in source.rglob("*.py") if "kernel" not in path.parts]


def imported_modules(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


def distribution_name(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0].lower()


def sorting_key(name: str) -> tuple[int, str]:
    """Sort as ruff's RUF022 does: constants, classes, then all others."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - git is found as its user finds it
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name]


@pytest.mark.parametrize("package", PACKAGES)
def test_declared_dependencies_are_the_imported_ones(package: str) -> None:
    project = project_of(package)
    # The public module `testing` serves test suites; what it needs is an extra.
    extra = project.get("optional-dependencies", {}).get("testing", [])
    requirements = [*project["dependencies"], *extra]
    declared = {distribution_name(item) for item in requirements}
    imported: set[str] = set()
    for path in source_files(package):
        imported |= imported_modules(path)
    third_party = imported - set(sys.stdlib_module_names) - {module_of(package)}
    as_modules = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in declared}
    assert third_party - as_modules == set(), "imported, not declared"
    unused = as_modules - third_party - RUN_AS_PROGRAMS
    assert unused == set(), "declared, not imported"


def test_the_test_environment_has_what_tests_and_benchmarks_import() -> None:
    environment = tomllib.loads((ROOT / "hatch.toml").read_text())["envs"]["default"]
    requirements = list(environment["dependencies"])
    for package in PACKAGES:
        requirements += [package, *project_of(package)["dependencies"]]
    available = {
        distribution_name(item).replace("-", "_") for item in requirements
    } | set(IMPORT_NAMES.values())
    imported: set[str] = set()
    beside: set[str] = set()
    for folder in ("tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            imported |= imported_modules(path)
            is_package = path.stem == "__init__"
            # Scripts import their neighbours.
            beside.add(path.parent.name if is_package else path.stem)
    assert imported - available - beside - set(sys.stdlib_module_names) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_and_names_what_the_package_imports(package: str) -> None:
    module = importlib.import_module(module_of(package))
    source = Path(str(module.__file__))
    # A package that imports lazily says in a stub what it imports.
    stub = source.with_suffix(".pyi")
    tree = ast.parse((stub if stub.exists() else source).read_text())
    public = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    } | {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    assert list(module.__all__) == sorted(module.__all__, key=sorting_key)
    assert {name for name in public if not name.startswith("_")} == set(module.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_typed_and_has_a_readme(package: str) -> None:
    folder = ROOT / "packages" / package
    assert (folder / "src" / module_of(package) / "py.typed").is_file()
    assert (folder / "README.md").read_text().startswith(f"# {package}\n")


def test_all_packages_have_one_version_and_ask_for_each_other_at_it() -> None:
    versions = {project_of(package)["version"] for package in PACKAGES}
    assert len(versions) == 1
    (version,) = versions
    for package in PACKAGES:
        ours = [item for item in project_of(package)["dependencies"] if "runt-" in item]
        assert all(item.endswith(f"=={version}") for item in ours), package


def test_continuous_integration_runs_the_commands_of_the_readme() -> None:
    commands = re.findall(
        r"^python3 -m venv .+$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert len(commands) == 2, "one runs the quickstart, one passes the tests"
    steps = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [command for command in commands if command not in steps] == []


def test_no_tracked_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    # Written in pieces, so that this file does not find itself.
    hosts = "|".join(["pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.(org|com)"])
    roots = "|".join(["wo" + "rk", "fa" + "rm", "ro" + "ot"])
    pattern = re.compile(
        rf"//[a-z0-9.-]*({hosts})|(^|[^A-Za-z0-9_.}}])/({roots})/", re.MULTILINE
    )
    guilty = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.is_file() and pattern.search(path.read_text("utf-8", "replace"))
    ]
    assert guilty == []


def test_each_promise_names_a_test_that_exists() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    promises = re.findall(r"^\| (.+?) \| (\[.+) \|$", text, re.MULTILINE)
    assert len(promises) >= 10
    for promise, tests in promises:
        named = re.findall(r"\]\((tests/[^)]+)\)", tests)
        assert named, promise
        assert [name for name in named if not (ROOT / name).exists()] == []


def test_all_folders_of_tests_are_run_by_default_but_one() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]
    run = {
        path
        for name in settings["ini_options"]["testpaths"]
        for path in ROOT.glob(name)
    }
    tests = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    left_out = {
        path for path in tests - {ROOT / "tests"} if run.isdisjoint(path.parents)
    }
    assert left_out - run == {ROOT / "tests" / "interop"}
