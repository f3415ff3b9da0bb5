"""What the kernel leaves a sandbox process, place by place."""

import os
import resource
from dataclasses import replace
from pathlib import Path

from runt_worker._cache_dir import default_cache_dir
from runt_worker._command import Image, Installation, ProcessPaths
from runt_worker._confinement import (
    compile_rules,
    file_rules,
    library_directories,
)
from runt_worker._early import find_installation
from runt_worker._landlock import FileRight
from runt_worker._launch import launch
from runt_worker.testing import SharedWorker

INSTALLATION = Installation(
    deno=Path("/opt/deno"),
    assets=Path("/opt/runt"),
    distribution=Path("/cache/pyodide"),
    packages=Path("/cache/unpacked"),
    image=Image(directory=Path("/cache/images/one")),
)
PATHS = ProcessPaths(installation=INSTALLATION, run_directory=Path("/run/one"))
RULES = file_rules(PATHS, (Path("/lib"),))

WRITES = ~(FileRight.EXECUTE | FileRight.READ_FILE | FileRight.READ_DIR)


def places(rights: FileRight) -> set[str]:
    return {str(rule.path) for rule in RULES if rule.rights & rights}


def test_it_writes_to_its_own_directory_and_to_null() -> None:
    assert places(WRITES) == {
        "/dev/null",
        "/run/one/control-out",
        "/run/one/call-request",
        "/run/one/deno",
    }


def test_it_executes_deno_and_what_that_is_linked_to() -> None:
    executed = places(FileRight.EXECUTE)
    assert "/opt/deno" in executed
    assert {Path(path).parent for path in executed - {"/opt/deno"}} == {Path("/lib")}
    assert "/lib" not in executed, "no whole directory: drivers are there, too"


def test_it_reads_this_and_no_more() -> None:
    readable = places(FileRight.READ_FILE | FileRight.READ_DIR)
    assert {path for path in readable if not path.startswith("/lib/")} == {
        "/opt/deno",
        "/opt/runt",
        "/cache/pyodide",
        "/cache/unpacked",
        "/cache/images/one/memory",
        "/run/one/control-in",
        "/run/one/call-reply",
        "/run/one/deno",
        "/run/one/empty",
        "/dev/null",
        "/dev/urandom",
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/usr/share/zoneinfo",
        "/proc/meminfo",
        "/sys/devices/system/cpu/online",
    }


def test_without_an_image_no_image_can_be_read() -> None:
    paths = replace(PATHS, installation=replace(INSTALLATION, image=None))
    assert not [it for it in file_rules(paths, ()) if "images" in str(it.path)]


def test_what_compiles_packages_writes_to_its_own_directory_and_to_null() -> None:
    rules = compile_rules(INSTALLATION, Path("/run/compile"), (Path("/lib"),))
    written = {str(rule.path) for rule in rules if rule.rights & WRITES}
    assert written == {"/dev/null", "/run/compile"}
    own = {rule.path for rule in rules} - {rule.path for rule in RULES}
    assert own == {Path("/run/compile")}


def test_each_right_has_its_reason() -> None:
    assert all(rule.reason for rule in RULES)


def test_the_systems_own_library_is_found() -> None:
    assert any((place / "libc.so.6").exists() for place in library_directories())


def test_a_worker_is_confined(sandbox: SharedWorker) -> None:
    async def pid() -> int:
        return sandbox.worker.pid

    process = Path(f"/proc/{sandbox.call(pid)}")
    assert "NoNewPrivs:\t1" in (process / "status").read_text()
    limits = (process / "limits").read_text()
    [core] = [line for line in limits.splitlines() if line.startswith("Max core")]
    assert core.split()[4:6] == ["0", "0"]
    [files] = [line for line in limits.splitlines() if line.startswith("Max open")]
    assert int(files.split()[3]) <= 1024


def test_the_supervisors_own_limits_stay() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    installation = find_installation(default_cache_dir())
    assert installation is not None
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # noqa: FBT003 - the standard library's own
    try:
        with launch(installation) as launched:
            process = Path(f"/proc/{launched.popen.pid}/fd")
            ours = Path(f"/proc/self/fd/{writing}").readlink()
            assert ours not in {link.readlink() for link in process.iterdir()}
    finally:
        os.close(reading)
        os.close(writing)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
