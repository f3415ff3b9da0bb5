"""The store, fed from directories; the network has a file of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from runt_worker._packages import (
    DirectorySource,
    HashMismatchError,
    KernelLock,
    LockedPackage,
    PackageProgress,
    PackageSink,
    PackageSource,
    PackageSourceError,
    PackageStore,
    PackageUnavailableError,
    Pin,
    PyodideLock,
    UnknownPackageError,
    WheelCache,
)

if TYPE_CHECKING:
    from .conftest import MakeWheel


class BrokenSource:
    """Would like to help, but cannot."""

    name = "a broken source"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        del sink
        self.asked.append(pin.name)
        raise PackageSourceError(self.name, "out of order")


class World:
    """Three packages in a wheelhouse, one of them also in the kernel lock."""

    def __init__(self, root: Path, make_wheel: "MakeWheel") -> None:
        self.wheelhouse = root / "wheelhouse"
        self.wheelhouse.mkdir()
        self.cache_dir = root / "cache"
        spam, spam_data = make_wheel("spam")
        eggs, eggs_data = make_wheel("eggs")
        libham, libham_data = make_wheel(
            "libham", {"libham.so": b"\0asm"}, "libham-1.0.zip"
        )
        self.ours, ours_data = make_wheel("eggs", {"eggs.py": b"ours"}, "eggs-2.0.whl")
        for pin, data in (
            (spam, spam_data),
            (eggs, eggs_data),
            (libham, libham_data),
            (self.ours, ours_data),
        ):
            (self.wheelhouse / pin.file_name).write_bytes(data)
        self.lock = PyodideLock(
            {
                "spam": _locked(spam, depends=("eggs", "libham")),
                "eggs": _locked(eggs),
                "libham": _locked(libham, package_type="shared_library"),
            },
            abi_version="2026_0",
            python_version="3.14.0",
        )

    def store(self, *sources: PackageSource, ours: bool = False) -> PackageStore:
        return PackageStore(
            lock=self.lock,
            kernel_lock=KernelLock({"eggs": self.ours} if ours else {}),
            cache=WheelCache(self.cache_dir),
            sources=sources,
        )


def _locked(pin: Pin, **changes: object) -> LockedPackage:
    return msgspec.convert(
        msgspec.structs.asdict(pin) | changes, LockedPackage, strict=False
    )


@pytest.fixture
def world(tmp_path: Path, make_wheel: "MakeWheel") -> World:
    return World(tmp_path, make_wheel)


def test_a_package_comes_with_all_it_needs(world: World) -> None:
    installed = world.store(DirectorySource(world.wheelhouse)).ensure(["Spam"])
    assert [package.name for package in installed] == ["eggs", "libham", "spam"]
    assert [package.is_shared_library for package in installed] == [False, True, False]
    assert (installed[2].path / "spam.py").read_bytes() == b"x = 1\n"
    assert (installed[1].path / "libham.so").is_file()
    assert installed[2].version == "1.0"
    assert installed[2].sha256 == world.lock.package("spam").sha256


def test_nothing_asked_is_nothing_done(world: World) -> None:
    assert world.store().ensure([]) == ()
    assert not world.cache_dir.exists()


def test_the_kernels_own_pin_wins(world: World) -> None:
    store = world.store(DirectorySource(world.wheelhouse), ours=True)
    by_need = {package.name: package for package in store.ensure(["spam"])}
    by_name = store.ensure(["EGGS"])
    assert by_need["eggs"].sha256 == world.ours.sha256
    assert by_name == (by_need["eggs"],)
    assert store.ensure_kernel() == by_name


def test_a_warm_cache_asks_nobody(world: World) -> None:
    first = world.store(DirectorySource(world.wheelhouse)).ensure(["spam"])
    offline = BrokenSource()
    assert world.store(offline).ensure(["spam"]) == first
    assert offline.asked == []


def test_wheels_alone_are_enough(world: World) -> None:
    installed = world.store(DirectorySource(world.wheelhouse)).ensure(["eggs"])
    (installed[0].path / "eggs.py").unlink()
    offline = BrokenSource()
    assert world.store(offline).ensure(["eggs"]) == installed
    assert (installed[0].path / "eggs.py").is_file()
    assert offline.asked == []


def test_a_truncated_cache_is_repaired(world: World) -> None:
    source = DirectorySource(world.wheelhouse)
    installed = world.store(source).ensure(["eggs"])
    (installed[0].path / "eggs.py").write_bytes(b"")
    [wheel] = world.cache_dir.glob("wheels/*/*.whl")
    wheel.write_bytes(wheel.read_bytes()[:10])
    assert world.store(source).ensure(["eggs"]) == installed
    assert (installed[0].path / "eggs.py").read_bytes() == b"x = 1\n"
    assert wheel.stat().st_size > 10


def test_the_next_source_is_asked(world: World) -> None:
    broken = BrokenSource()
    empty = DirectorySource(world.cache_dir.parent)
    store = world.store(broken, empty, DirectorySource(world.wheelhouse))
    assert store.ensure(["eggs"])
    assert broken.asked == ["eggs"]


def test_what_nobody_has_is_explained(world: World) -> None:
    (world.wheelhouse / "libham-1.0.zip").unlink()
    missing = DirectorySource(world.wheelhouse / "missing")
    store = world.store(BrokenSource(), missing, DirectorySource(world.wheelhouse))
    with pytest.raises(PackageUnavailableError) as caught:
        store.ensure(["spam"])
    assert caught.value.file_name == "libham-1.0.zip"
    assert [reason for _, reason in caught.value.attempts] == [
        "out of order",
        "there is no such directory",
        "does not have it",
    ]
    text = str(caught.value)
    for part in ("a broken source", "the directory of --packages", "packages add"):
        assert part in text
    assert str(world.wheelhouse) not in text, "cells read this"


def test_no_source_at_all_is_explained(world: World) -> None:
    with pytest.raises(PackageUnavailableError, match="No source is configured"):
        world.store().ensure(["eggs"])


def test_other_bytes_are_refused_and_nobody_else_is_asked(world: World) -> None:
    (world.wheelhouse / world.lock.package("eggs").file_name).write_bytes(b"evil")
    after = BrokenSource()
    store = world.store(DirectorySource(world.wheelhouse), after)
    with pytest.raises(HashMismatchError, match=r"eggs-1\.0"):
        store.ensure(["eggs"])
    assert after.asked == []


def test_an_unknown_name_stops_before_anything_is_fetched(world: World) -> None:
    with pytest.raises(UnknownPackageError, match=r"'spma'.*Did you mean spam"):
        world.store(DirectorySource(world.wheelhouse)).ensure(["eggs", "spma"])
    assert not world.cache_dir.exists()


def test_progress_ends_with_the_whole_file(world: World) -> None:
    events: list[PackageProgress] = []
    store = world.store(DirectorySource(world.wheelhouse))
    store.ensure(["spam"], events.append)
    last = {event.name: event for event in events}
    assert set(last) == {"spam", "eggs", "libham"}
    assert all(event.bytes_done == event.bytes_total for event in last.values())
    events.clear()
    store.ensure(["spam"], events.append)
    assert events == []


def test_progress_can_end_the_fetching(world: World) -> None:
    class StopError(Exception):
        """The caller has lost interest."""

    def stop(_: PackageProgress) -> None:
        raise StopError

    with pytest.raises(StopError):
        world.store(DirectorySource(world.wheelhouse)).ensure(["eggs"], stop)
    assert not list(world.cache_dir.rglob("*.whl"))


@pytest.mark.parametrize("kind", ["directory", "unreadable"])
def test_a_directory_source_that_cannot_be_read(
    tmp_path: Path, make_wheel: "MakeWheel", kind: str
) -> None:
    pin, _ = make_wheel()
    if kind == "directory":
        (tmp_path / pin.file_name).mkdir()
        source = DirectorySource(tmp_path)
    else:
        (tmp_path / "file").write_bytes(b"")
        source = DirectorySource(tmp_path / "file")
    with pytest.raises(PackageSourceError):
        WheelCache(tmp_path / "cache").fill(pin, source)


RACE = """
import json, sys
import msgspec
from pathlib import Path
from runt_worker._packages import *
house, cache, pins = sys.argv[1:]
pins = msgspec.json.decode(pins, type=list[LockedPackage])
lock = PyodideLock({p.name: p for p in pins}, abi_version="1", python_version="3")
store = PackageStore(
    lock=lock,
    kernel_lock=KernelLock({}),
    cache=WheelCache(Path(cache)),
    sources=[DirectorySource(Path(house))],
)
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
trees = [p.path for p in store.ensure([p.name for p in pins])]
assert all(len(list(tree.iterdir())) == 200 for tree in trees), trees
print(json.dumps([str(tree) for tree in trees]))
"""


def test_four_processes_ensure_the_same_packages_at_once(
    tmp_path: Path, wheelhouse: Path, make_wheel: "MakeWheel"
) -> None:
    pins: list[LockedPackage] = []
    for name in ("spam", "eggs", "ham"):
        files = {f"{name}{i}.py": bytes(1000) for i in range(200)}
        pin, data = make_wheel(name, files)
        (wheelhouse / pin.file_name).write_bytes(data)
        pins.append(_locked(pin))
    command = [
        *(sys.executable, "-c", RACE, str(wheelhouse), str(tmp_path / "cache")),
        msgspec.json.encode(pins).decode(),
    ]
    processes = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert len({tuple(json.loads(result)) for result in results}) == 1
    # Whoever lost the race has cleaned up.
    left = {path.name for path in (tmp_path / "cache" / "unpacked").iterdir()}
    assert left == {pin.sha256 for pin in pins}
    assert not list((tmp_path / "cache" / "wheels").glob(".*"))
