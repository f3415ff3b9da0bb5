"""Compiling packages in the real process for it."""

import hashlib
import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from string import Template

import pytest

from runt_worker import Assets, GuestProtocolError, SetupError, WorkerOptions, prepare
from runt_worker import _bytecode as bytecode_module
from runt_worker._bytecode import BytecodeCompiler, is_compiled
from runt_worker._command import Installation
from runt_worker._landlock import landlock_abi
from runt_worker._packages import InstalledPackage

UNCHECKED_HASH = b"\1\0\0\0"

HOSTILE = """
import { encodeFrame } from "$assets/deno/frames.ts";
const attempts = {
    "read a file": () => Deno.readTextFileSync("$secret"),
    "change the cache": () => Deno.writeTextFileSync("$packages/evil", "x"),
    "run a program": () => new Deno.Command("/bin/sh").outputSync(),
    "read the cache": () => Deno.readDirSync("$packages").next(),
};
const refused = [];
for (const [name, attempt] of Object.entries(attempts)) {
    try { attempt(); } catch { refused.push(name); }
}
Deno.stdout.writeSync(encodeFrame('{"id": 0}',
    new TextEncoder().encode(JSON.stringify(refused))));
Deno.exit(0);
"""
"""A program in the place of ours, as if a hole in Pyodide or Deno had made it so."""


@pytest.fixture(scope="module")
def assets() -> Assets:
    return prepare(WorkerOptions())


def package_of(
    root: Path, files: dict[str, str], name: str = "spam"
) -> InstalledPackage:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    tree = root / sha256 / "tree"
    for place, text in files.items():
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        (tree / place).write_text(text)
    return InstalledPackage(
        name=name, version="1", sha256=sha256, path=tree, is_shared_library=False
    )


@pytest.fixture
def compiler(assets: Assets, tmp_path: Path) -> BytecodeCompiler:
    return BytecodeCompiler(replace(assets.installation, packages=tmp_path))


def bytecode(package: InstalledPackage) -> set[str]:
    root = package.bytecode_path
    return {str(it.relative_to(root)) for it in root.rglob("*") if it.is_file()}


def test_all_that_is_python_is_compiled_and_nothing_is_run(
    compiler: BytecodeCompiler, tmp_path: Path
) -> None:
    package = package_of(
        tmp_path,
        {
            "spam.py": "raise SystemExit",
            "pkg/__init__.py": "x = 1",
            "pkg/template.py": "this is {{ no }} Python",
            "pkg/data.txt": "x",
        },
    )
    assert package.paths == (package.path,)
    compiler.compile([package])
    assert bytecode(package) == {
        "__pycache__/spam.cpython-314.pyc",
        "pkg/__pycache__/__init__.cpython-314.pyc",
    }
    assert package.paths == (package.path, package.bytecode_path)
    data = (package.bytecode_path / "__pycache__/spam.cpython-314.pyc").read_bytes()
    assert data[4:8] == UNCHECKED_HASH
    assert b"/lib/python3.14/site-packages/spam.py" in data
    assert is_compiled(package)


def test_it_goes_on_where_it_was_cut_off(
    compiler: BytecodeCompiler, tmp_path: Path
) -> None:
    package = package_of(tmp_path, {"a.py": "1", "b.py": "2"})
    done = package.bytecode_path / "__pycache__" / "a.cpython-314.pyc"
    done.parent.mkdir(parents=True)
    done.write_bytes(b"from before")
    compiler.compile([package])
    assert done.read_bytes() == b"from before"
    assert len(bytecode(package)) == 2


def test_a_worker_that_ends_ends_it(compiler: BytecodeCompiler, tmp_path: Path) -> None:
    package = package_of(tmp_path, {f"m{number}.py": "x = 1" for number in range(50)})
    compiler.start([package])
    time.sleep(0.3)
    compiler.stop()
    deadline = time.monotonic() + 10
    while any("compile" in it.name for it in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not is_compiled(package)
    compiler.start([package])
    compiler.compile([package])
    assert not is_compiled(package), "it was stopped"


def test_a_process_that_ends_early_is_told(
    compiler: BytecodeCompiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = package_of(tmp_path, {"a.py": "1"})
    (package.path / "a.py").unlink()
    (package.path / "a.py").mkdir()
    with pytest.raises(SetupError, match="ended early"):
        compiler.compile([package])
    assert not is_compiled(package)

    monkeypatch.setattr(bytecode_module, "_MAX_BYTECODE_BYTES", 10)
    package = package_of(tmp_path, {"b.py": "1"}, "eggs")
    with pytest.raises(GuestProtocolError):
        compiler.compile([package])
    assert bytecode(package) == set()


def test_the_kernel_confines_it_too(
    assets: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, packages = tmp_path / "secret", tmp_path / "packages"
    secret.write_text("canary")
    package = package_of(packages, {"a.py": "1"})
    script = packages / "hostile.ts"
    places = {"assets": assets.installation.assets, "secret": secret}
    script.write_text(Template(HOSTILE).substitute(places, packages=packages))

    def with_all_rights(installation: Installation) -> list[str]:
        flags = ["run", "--quiet", "--allow-all", "--no-config", "--no-lock"]
        return [str(installation.deno), *flags, str(script)]

    monkeypatch.setattr(bytecode_module, "compile_command", with_all_rights)
    installation = replace(assets.installation, packages=packages)
    BytecodeCompiler(installation).compile([package])
    [answer] = (package.bytecode_path / "__pycache__").iterdir()
    refused = ["read a file", "change the cache", "run a program"]
    assert json.loads(answer.read_bytes()) == (refused if landlock_abi() else [])
    assert (packages / "evil").exists() == (not landlock_abi())
