"""A mount on a real temporary directory, with each of the two resolvers."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runt_vfs import (
    HostDirectory,
    Limits,
    _resolve,
    _system,
    open_host_directory,
)

Mount = Callable[..., HostDirectory]


def no_open_beneath(_root: int) -> bool:
    return False


@pytest.fixture(params=["kernel", "walking"])
def resolver_kind(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    """Let mounts resolve in this way; both have to pass every test."""
    kind = str(request.param)
    if kind == "kernel":
        here = os.open(tmp_path, os.O_RDONLY)
        available = _system.has_open_beneath(here)
        os.close(here)
        if not available:
            pytest.skip("this kernel has no openat2")
    else:
        monkeypatch.setattr(_system, "has_open_beneath", no_open_beneath)
    return kind


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Return the mounted directory; its siblings are outside."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    return mounted


@pytest.fixture
def outside(host: Path) -> Path:
    return host.parent / "outside"


@pytest.fixture
def mount(resolver_kind: str, host: Path) -> Iterator[Mount]:
    """Return a function that mounts the directory, or another one."""
    mounts: list[HostDirectory] = []

    def open_mount(
        path: Path = host, *, allow_writes: bool = True, limits: Limits | None = None
    ) -> HostDirectory:
        found = open_host_directory(
            path, allow_writes=allow_writes, limits=limits or Limits()
        )
        expected = {
            "kernel": _resolve.KernelResolver,
            "walking": _resolve.WalkingResolver,
        }[resolver_kind]
        assert isinstance(found._resolver, expected)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - what runs here
        mounts.append(found)
        return found

    yield open_mount
    for one in mounts:
        one.unmount()


@pytest.fixture
def directory(mount: Mount) -> HostDirectory:
    return mount()
