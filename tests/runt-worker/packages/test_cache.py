import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runt_worker._packages import (
    ArchiveError,
    HashMismatchError,
    PackageCacheError,
    PackageSink,
    PackageSourceError,
    Pin,
    WheelCache,
)
from runt_worker._packages._archives import unpack_archive

if TYPE_CHECKING:
    from .conftest import MakeWheel


class BytesSource:
    """Has one file for everybody; may break off in the middle."""

    name = "the test"

    def __init__(self, data: bytes, *, breaks_off: bool = False) -> None:
        self.data = data
        self.breaks_off = breaks_off

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        del pin
        sink.expect(len(self.data))
        half = len(self.data) // 2
        sink.write(self.data[:half])
        if self.breaks_off:
            raise PackageSourceError(self.name, "broke off")
        sink.write(self.data[half:])
        return True


class EmptySource:
    name = "nobody"

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        del pin, sink
        return False


def files_below(directory: Path) -> list[str]:
    return sorted(
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file()
    )


@pytest.fixture
def cache(tmp_path: Path) -> WheelCache:
    return WheelCache(tmp_path / "cache")


def test_an_empty_cache_has_nothing_and_makes_nothing(
    cache: WheelCache, make_wheel: "MakeWheel", tmp_path: Path
) -> None:
    pin, _ = make_wheel()
    assert cache.get(pin) is None
    assert cache.unpacked(pin) is None
    assert not (tmp_path / "cache").exists()


def test_what_a_source_has_is_kept(
    cache: WheelCache, make_wheel: "MakeWheel", tmp_path: Path
) -> None:
    pin, data = make_wheel()
    seen: list[tuple[int, int | None]] = []
    path = cache.fill(
        pin, BytesSource(data), lambda done, total: seen.append((done, total))
    )
    assert path == cache.get(pin) == WheelCache(tmp_path / "cache").get(pin)
    assert path is not None
    assert path.name == pin.file_name
    assert path.read_bytes() == data
    assert seen == [(len(data) // 2, len(data)), (len(data), len(data))]


def test_what_a_source_lacks_leaves_no_trace(
    cache: WheelCache, make_wheel: "MakeWheel", tmp_path: Path
) -> None:
    pin, _ = make_wheel()
    assert cache.fill(pin, EmptySource()) is None
    assert files_below(tmp_path) == []


def test_other_bytes_are_refused_loudly(
    cache: WheelCache, make_wheel: "MakeWheel", tmp_path: Path
) -> None:
    pin, _ = make_wheel()
    _, other = make_wheel(files={"spam.py": b"evil"})
    with pytest.raises(HashMismatchError) as caught:
        cache.fill(pin, BytesSource(other))
    text = str(caught.value)
    assert caught.value.actual != pin.sha256
    for part in (pin.file_name, "the test", pin.sha256, caught.value.actual):
        assert part in text
    assert cache.get(pin) is None
    assert files_below(tmp_path) == []


def test_a_download_that_breaks_off_leaves_no_trace(
    cache: WheelCache, make_wheel: "MakeWheel", tmp_path: Path
) -> None:
    pin, data = make_wheel()
    with pytest.raises(PackageSourceError):
        cache.fill(pin, BytesSource(data, breaks_off=True))
    assert files_below(tmp_path) == []


def test_a_file_without_end_is_ended(tmp_path: Path, make_wheel: "MakeWheel") -> None:
    pin, data = make_wheel()
    cache = WheelCache(tmp_path / "cache", max_file_bytes=len(data) - 1)
    with pytest.raises(PackageSourceError, match="sent more than"):
        cache.fill(pin, BytesSource(data))
    assert files_below(tmp_path) == []
    assert WheelCache(tmp_path, max_file_bytes=len(data)).fill(pin, BytesSource(data))


@pytest.mark.parametrize("damage", [b"", b"cut", b"x" * 400])
def test_a_damaged_file_is_not_handed_out_and_can_be_filled_again(
    cache: WheelCache,
    make_wheel: "MakeWheel",
    damage: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pin, data = make_wheel()
    path = cache.fill(pin, BytesSource(data))
    assert path is not None
    path.write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        assert cache.get(pin) is None
    assert "damaged" in caplog.text
    cache.fill(pin, BytesSource(data))
    assert cache.get(pin) == path


def test_a_wheel_is_unpacked_once(cache: WheelCache, make_wheel: "MakeWheel") -> None:
    pin, data = make_wheel(files={"spam/__init__.py": b"", "spam/a.py": b"a = 1"})
    cache.fill(pin, BytesSource(data))
    tree = cache.unpack(pin)
    assert files_below(tree) == ["spam/__init__.py", "spam/a.py"]
    made = tree.stat().st_mtime_ns
    assert cache.unpack(pin) == cache.unpacked(pin) == tree
    assert tree.stat().st_mtime_ns == made


def test_an_empty_wheel_is_an_empty_directory(
    cache: WheelCache, make_wheel: "MakeWheel"
) -> None:
    pin, data = make_wheel(files={"spam-1.0.data/scripts/spam": b"left out"})
    cache.fill(pin, BytesSource(data))
    assert list(cache.unpack(pin).iterdir()) == []


def test_unpacking_what_is_not_there_says_so(
    cache: WheelCache, make_wheel: "MakeWheel"
) -> None:
    pin, _ = make_wheel()
    with pytest.raises(PackageCacheError, match=r"spam-1\.0.* is not in it"):
        cache.unpack(pin)


@pytest.mark.parametrize("damage", ["cut", "missing", "no list", "no sense"])
def test_a_torn_tree_is_seen_and_made_anew(
    cache: WheelCache, make_wheel: "MakeWheel", tmp_path: Path, damage: str
) -> None:
    pin, data = make_wheel()
    cache.fill(pin, BytesSource(data))
    tree = cache.unpack(pin)
    match damage:
        case "cut":
            (tree / "spam.py").write_bytes(b"")
        case "missing":
            (tree / "spam.py").unlink()
        case "no list":
            (tree.parent / "files.json").unlink()
        case _:
            (tree.parent / "files.json").write_bytes(b"{")

    # The cache that saw it whole believes so for its process's lifetime.
    fresh = WheelCache(tmp_path / "cache")
    assert fresh.unpacked(pin) is None
    assert fresh.unpack(pin) == tree
    assert (tree / "spam.py").read_bytes() == b"x = 1\n"
    assert sorted(path.name for path in tree.parent.parent.iterdir()) == [pin.sha256]


def test_another_process_may_be_faster(
    cache: WheelCache,
    make_wheel: "MakeWheel",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pin, data = make_wheel()
    cache.fill(pin, BytesSource(data))

    def unpack_while_another_does(archive: Path, into: Path) -> dict[str, int]:
        monkeypatch.undo()
        WheelCache(tmp_path / "cache").unpack(pin)
        return unpack_archive(archive, into)

    monkeypatch.setattr(
        "runt_worker._packages._cache.unpack_archive", unpack_while_another_does
    )
    assert files_below(cache.unpack(pin)) == ["spam.py"]
    assert [path.name for path in (tmp_path / "cache" / "unpacked").iterdir()] == [
        pin.sha256
    ]


def test_files_added_beside_do_not_make_a_tree_torn(
    cache: WheelCache, make_wheel: "MakeWheel", tmp_path: Path
) -> None:
    pin, data = make_wheel()
    cache.fill(pin, BytesSource(data))
    (cache.unpack(pin) / "spam.pyc").write_bytes(b"compiled")
    assert WheelCache(tmp_path / "cache").unpacked(pin)


def test_a_hostile_archive_leaves_no_trace(
    cache: WheelCache, make_wheel: "MakeWheel", tmp_path: Path
) -> None:
    pin, data = make_wheel(files={"good.py": b"", "../evil.py": b"evil"})
    cache.fill(pin, BytesSource(data))
    with pytest.raises(ArchiveError):
        cache.unpack(pin)
    assert list((tmp_path / "cache" / "unpacked").iterdir()) == []
    assert not list(tmp_path.rglob("evil.py"))


def test_a_cache_that_cannot_be_made_is_the_hosts_fault(
    make_wheel: "MakeWheel", tmp_path: Path
) -> None:
    pin, data = make_wheel()
    (tmp_path / "cache").write_text("a file where the directory should be")
    cache = WheelCache(tmp_path / "cache")
    with pytest.raises(PackageCacheError, match="cache") as caught:
        cache.fill(pin, BytesSource(data))
    assert caught.value.path == tmp_path / "cache"


@pytest.mark.parametrize("size", [100, 1_000_000], ids=["at the end", "midway"])
def test_a_full_disk_is_not_blamed_on_the_source(
    cache: WheelCache, make_wheel: "MakeWheel", tmp_path: Path, size: int
) -> None:
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    pin, data = make_wheel(files={"spam.bin": os.urandom(size)})

    class CatchesOSError(BytesSource):
        def fetch(self, pin: Pin, sink: PackageSink) -> bool:
            try:
                return super().fetch(pin, sink)
            except OSError as error:
                raise PackageSourceError(self.name, str(error)) from error

    # No file may grow past ten bytes: to a writer the same as a full disk.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(PackageCacheError, match="File too large"):
            cache.fill(pin, CatchesOSError(data))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_below(tmp_path) == []
