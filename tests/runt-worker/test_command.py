"""The sandbox's rights, flag by flag."""

from dataclasses import replace
from pathlib import Path

import pytest

from runt_worker import SetupError
from runt_worker._command import (
    Image,
    Installation,
    ProcessPaths,
    command,
    compile_command,
    environment,
)

INSTALLATION = Installation(
    deno=Path("/opt/deno"),
    assets=Path("/opt/runt worker"),
    distribution=Path("/cache/pyodide"),
    packages=Path("/cache/unpacked"),
    image=Image(directory=Path("/cache/images/one")),
)
PATHS = ProcessPaths(installation=INSTALLATION, run_directory=Path("/run/one"))


def test_the_whole_command_is_this_one() -> None:
    assert command(PATHS) == [
        "/opt/deno",
        "run",
        "--quiet",
        "--no-prompt",
        "--no-remote",
        "--no-npm",
        "--cached-only",
        "--no-config",
        "--no-lock",
        "--deny-net",
        "--deny-run",
        "--deny-ffi",
        "--deny-env",
        "--deny-sys",
        "--deny-import",
        (
            "--allow-read=/opt/runt worker,/cache/pyodide,/cache/unpacked,"
            "/cache/images/one/memory,/run/one/control-in,/run/one/call-reply"
        ),
        "--allow-write=/run/one/control-out,/run/one/call-request",
        "/opt/runt worker/deno/host.ts",
        "/run/one/control-in",
        "/run/one/control-out",
        "/cache/pyodide",
        "/cache/images/one/memory",
    ]


def test_what_compiles_packages_may_read_them_and_write_nothing() -> None:
    assert compile_command(INSTALLATION) == [
        "/opt/deno",
        "run",
        "--quiet",
        "--no-prompt",
        "--no-remote",
        "--no-npm",
        "--cached-only",
        "--no-config",
        "--no-lock",
        "--deny-net",
        "--deny-run",
        "--deny-ffi",
        "--deny-env",
        "--deny-sys",
        "--deny-import",
        "--allow-read=/opt/runt worker,/cache/pyodide,/cache/unpacked",
        "--deny-write",
        "/opt/runt worker/deno/compile.ts",
        "/cache/pyodide",
        "/opt/runt worker/kernel/runt_compile.py",
    ]


def test_without_an_image_nothing_is_granted_for_it() -> None:
    paths = replace(PATHS, installation=replace(INSTALLATION, image=None))
    assert "/cache/images" not in " ".join(command(paths))
    assert command(paths)[-2:] == ["/cache/pyodide", ""]


def test_no_right_is_granted_without_saying_to_what() -> None:
    rights = [flag for flag in command(PATHS) if flag.startswith(("--allow", "-A"))]
    assert [flag.partition("=")[0] for flag in rights] == [
        "--allow-read",
        "--allow-write",
    ]
    for flag in rights:
        assert all(path.startswith("/") for path in flag.partition("=")[2].split(","))


WITH_COMMA = Path("/opt/a,/etc")


@pytest.mark.parametrize(
    "paths",
    [
        replace(PATHS, run_directory=WITH_COMMA),
        replace(PATHS, installation=replace(INSTALLATION, assets=WITH_COMMA)),
        replace(PATHS, installation=replace(INSTALLATION, distribution=WITH_COMMA)),
        replace(PATHS, installation=replace(INSTALLATION, packages=WITH_COMMA)),
        replace(
            PATHS,
            installation=replace(INSTALLATION, image=Image(directory=WITH_COMMA)),
        ),
    ],
)
def test_a_path_with_a_comma_would_grant_two_and_is_refused(
    paths: ProcessPaths,
) -> None:
    with pytest.raises(SetupError, match=r"'/opt/a,/etc.*' holds a comma"):
        command(paths)


def test_the_environment_holds_nothing_of_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RUNT_API_KEY", "canary")
    assert environment(PATHS) == {
        "DENO_DIR": "/run/one/deno",
        "DENO_NO_UPDATE_CHECK": "1",
    }


def test_what_the_process_writes_lies_in_its_own_directory() -> None:
    own = {
        PATHS.control_in,
        PATHS.control_out,
        PATHS.call_request,
        PATHS.call_reply,
        PATHS.working_directory,
        PATHS.deno_directory,
    }
    assert len(own) == 6
    assert {path.parent for path in own} == {PATHS.run_directory}
