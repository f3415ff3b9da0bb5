"""What `runt doctor` finds out by a sandbox that tries to get out."""

import sys
from pathlib import Path

import pytest

from runt_worker import Check, HostMount, WorkerOptions, try_sandbox
from runt_worker._confinement import RESOURCE_LIMITS
from runt_worker._trial import ATTEMPTS, judge_escapes


async def trial(options: WorkerOptions) -> dict[str, Check]:
    return {it.name: it for it in await try_sandbox(options)}


async def test_a_sandbox_that_holds_has_no_hints(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    mounts = (HostMount(host_path=tmp_path),)
    found = await trial(WorkerOptions(mounts=mounts))
    assert [it for it in found.values() if it.hint] == []
    escape = found["escape"].found
    assert escape == (
        "tried, and refused: a file, the environment, the network, a program"
    )
    assert found["mount"].found.startswith("/mnt/_")
    assert found["mount"].found.endswith(", read-only, 1 entries")
    if sys.platform == "linux":
        assert found["no_new_privs"].found == "set"
        assert "DENO_DIR" in found["its environment"].found
        assert "core dump 0" in found["resource limits"].found


async def test_a_mount_that_nobody_can_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "gone"
    directory.mkdir()
    code = ATTEMPTS.replace("os.listdir(place)", "os.listdir(place + '/nowhere')")
    monkeypatch.setattr("runt_worker._trial.ATTEMPTS", code)
    found = await trial(WorkerOptions(mounts=(HostMount(host_path=directory),)))
    assert "cannot be read: No such file" in found["mount"].found
    assert found["mount"].hint


async def test_limits_that_are_not_in_force_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strict = tuple(it._replace(most=-1) for it in RESOURCE_LIMITS)
    monkeypatch.setattr("runt_worker._trial.RESOURCE_LIMITS", strict)
    monkeypatch.setattr("runt_worker._trial.ENVIRONMENT", set[str]())
    found = await trial(WorkerOptions())
    if sys.platform == "linux":
        assert "SECURITY.md" in found["resource limits"].hint
        assert "SECURITY.md" in found["its environment"].hint


async def test_a_sandbox_that_does_not_start_is_told(tmp_path: Path) -> None:
    directory = tmp_path / "x"
    options = WorkerOptions(mounts=(HostMount(host_path=directory),))
    [check] = await try_sandbox(options)
    assert check.found.startswith("does not run: cannot mount")
    assert check.hint


@pytest.mark.parametrize(
    ("refusals", "is_taken"),
    [
        ({"a file": "got the secret"}, False),
        ({"a file": "NotCapable", "a program": "NotFound"}, False),
        ({"a file": "NotCapable"}, True),
    ],
)
def test_an_escape_is_told(refusals: dict[str, str], *, is_taken: bool) -> None:
    check = judge_escapes(refusals, is_taken=is_taken)
    assert "reached" in check.found
    assert "SECURITY.md" in check.hint


async def test_what_got_out_is_noticed_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sandbox says that it was refused, and shows the secret all the same."""
    monkeypatch.setattr("secrets.token_urlsafe", lambda: "known")
    lie = "refusals['a file'] = 'NotCapable: known'\n"
    code = ATTEMPTS.replace("print(json", f"{lie}print(json")
    monkeypatch.setattr("runt_worker._trial.ATTEMPTS", code)
    found = await trial(WorkerOptions())
    assert "reached" in found["escape"].found


@pytest.mark.parametrize("answer", ["print('nonsense')", "1", "print('{}')"])
async def test_an_answer_that_makes_no_sense_is_told(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("runt_worker._trial.ATTEMPTS", answer)
    [check] = await try_sandbox(WorkerOptions())
    assert "makes no sense" in check.found
