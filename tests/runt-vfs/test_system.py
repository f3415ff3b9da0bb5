import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from runt_vfs import _system


def has_open_beneath(directory: Path) -> bool:
    root = os.open(directory, os.O_RDONLY)
    try:
        return _system.has_open_beneath(root)
    finally:
        os.close(root)


def test_other_systems_have_no_openat2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not has_open_beneath(tmp_path)


def test_machines_that_may_number_calls_otherwise_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_system, "_OPENAT2_MACHINES", frozenset[str]())
    assert not has_open_beneath(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="openat2 is Linux's")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_kernels_and_containers_that_refuse_openat2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_root: int, _path: bytes) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_system, "open_beneath", refuse)
    assert not has_open_beneath(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="openat2 is Linux's")
def test_a_kernel_without_the_call_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_system, "_OPENAT2", 0x3FFFFFFF)
    assert not has_open_beneath(tmp_path)


def test_chmod_in_one_step_where_the_system_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []

    def chmod(name: bytes, mode: int, **how: object) -> None:
        asked.append((name, mode, how))

    monkeypatch.setattr(os, "chmod", chmod)
    monkeypatch.setattr(os, "supports_follow_symlinks", {chmod})
    _system.Writer().chmod(7, b"name", 0o600)
    assert asked == [(b"name", 0o600, {"dir_fd": 7, "follow_symlinks": False})]


@pytest.mark.skipif(
    os.chmod in os.supports_follow_symlinks, reason="it changes the link itself"
)
def test_chmod_never_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").touch(0o644)
    (tmp_path / "link").symlink_to("file")
    root = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        _system.Writer().chmod(root, b"link", 0o777)
    os.close(root)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) & 0o111 == 0


def test_an_entry_that_vanishes_from_a_listing_is_none(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    directory = os.open(tmp_path, os.O_RDONLY)
    entries = _system.scan(directory)
    first, _ = next(entries)
    other = {"a": "b", "b": "a"}[first]
    (tmp_path / other).unlink()
    assert list(entries) == []
    os.close(directory)
