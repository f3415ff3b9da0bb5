"""Reading in fewer steps: files opened together, listings in parts, pages in pipes."""

import errno
import os
import stat
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from runt_vfs import (
    FileStat,
    GuestPath,
    HostDirectory,
    HostError,
    Limits,
    OpenFlag,
    RequestError,
    _system,
)

Mount = Callable[..., HostDirectory]
parse = GuestPath.parse
ROOT = parse("")
READ, WRITE = OpenFlag.READ, OpenFlag.WRITE
LINUX = pytest.mark.skipif(not _system.CAN_SPLICE, reason="splice is Linux's")


@pytest.fixture
def pipe() -> Generator[tuple[int, int]]:
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    yield ends
    for end in ends:
        os.close(end)


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_a_file_is_opened_and_read_in_one_step(
    directory: HostDirectory, host: Path
) -> None:
    (host / "file").write_bytes(b"content")
    (host / "inner").mkdir()
    opened = directory.open_and_read(parse("file"), READ, 4)
    assert (opened.head, opened.stat.size) == (b"cont", 7)
    assert opened.stat.inode == directory.fstat(opened.handle).inode
    assert directory.open_and_read(parse("file"), WRITE, 4).head == b""
    assert directory.open_and_read(parse("inner"), READ, 4).head == b""
    emptied = directory.open_and_read(parse("file"), WRITE | OpenFlag.TRUNCATE, 4)
    assert emptied.stat.size == 0


def test_a_file_that_cannot_be_read_is_closed(
    directory: HostDirectory, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (host / "file").touch()

    def fail(*_arguments: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(_system, "pread", fail)
    before = open_descriptors()
    with pytest.raises(HostError) as caught:
        directory.open_and_read(parse("file"), READ, 4)
    assert caught.value.code == "EIO"
    assert directory.open_entries(ROOT, ["file"], 4) == [None]
    assert open_descriptors() == before


def test_files_of_a_directory_are_opened_together(
    mount: Mount, host: Path, outside: Path
) -> None:
    directory = mount(limits=Limits(max_open_files=3))
    (host / "d").mkdir()
    for name in ("a", "b", "c", "e"):
        (host / "d" / name).write_bytes(name.encode() * 9)
    (host / "d" / "inner").mkdir()
    (host / "d" / "link").symlink_to("a")
    os.mkfifo(host / "d" / "fifo")
    names = ["a", "link", "inner", "fifo", "none", "../d/b", "..", "", "x\0", "\ud800"]
    found = directory.open_entries(parse("d"), [*names, "b", "c", "e"], 4)
    assert [file and file.head for file in found] == [
        b"aaaa",
        *[None] * (len(names) - 1),
        b"bbbb",
        b"cccc",
        None,  # as many are open as may be
    ]
    first = found[0]
    assert first is not None
    assert directory.pread(first.handle, 99, 4) == b"a" * 5
    assert first.stat.size == 9
    for path in ("none", "d/a"):
        with pytest.raises(HostError):
            directory.open_entries(parse(path), ["a"], 4)
    with pytest.raises(RequestError):
        directory.open_entries(parse("d"), ["a"], -1)
    assert list(outside.iterdir()) == [outside / "secret"]


def test_what_takes_a_files_place_before_it_is_opened(
    directory: HostDirectory, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (host / "file").touch()
    (host / "inner").mkdir()
    (host / "link").symlink_to("../outside/secret")
    real = _system.lstat

    def lstat(parent: int, name: bytes) -> FileStat:
        return real(parent, b"file" if name in (b"inner", b"link") else name)

    monkeypatch.setattr(_system, "lstat", lstat)
    before = open_descriptors()
    assert directory.open_entries(ROOT, ["inner", "link"], 9) == [None, None]
    assert open_descriptors() == before


def test_a_directory_is_listed_in_parts(mount: Mount, host: Path) -> None:
    directory = mount(allow_writes=False)
    for number in range(10):
        (host / str(number)).touch(0o644)
    before = open_descriptors()
    with directory.scan(ROOT) as listing:
        first = next(iter(listing))
        rest = list(listing)
        assert list(listing) == []
    assert {first.name, *(entry.name for entry in rest)} == set("0123456789")
    assert stat.S_IMODE(first.stat.mode) == 0o444
    listing.close()
    half = directory.scan(ROOT)
    next(iter(half))
    half.close()
    directory.scan(ROOT).close()  # never begun
    assert open_descriptors() == before
    with pytest.raises(HostError):
        directory.scan(parse("0/x"))


@LINUX
def test_a_file_is_moved_into_a_pipe(
    directory: HostDirectory, host: Path, pipe: tuple[int, int]
) -> None:
    receiver, sender = pipe
    (host / "file").write_bytes(b"0123456789")
    handle = directory.open(parse("file"), READ)
    assert directory.splice(handle, sender, 4, 3) == 4
    (host / "file").write_bytes(b"")  # what is in the pipe cannot be cut off
    assert os.read(receiver, 99) == b"3456"
    assert directory.splice(handle, sender, 4, 99) == 0
    for size, offset in ((-1, 0), (1, -1), (1, 1 << 63)):
        with pytest.raises(RequestError):
            directory.splice(handle, sender, size, offset)
    with pytest.raises(RequestError) as caught:
        directory.splice(999, sender, 1, 0)
    assert caught.value.code == "EBADF"


@LINUX
def test_a_full_pipe_is_told(
    directory: HostDirectory, host: Path, pipe: tuple[int, int]
) -> None:
    _, sender = pipe
    (host / "file").write_bytes(bytes(1 << 20))
    handle = directory.open(parse("file"), READ)
    moved = directory.splice(handle, sender, 1 << 20, 0)
    assert 0 < moved < 1 << 20
    with pytest.raises(HostError) as caught:
        directory.splice(handle, sender, 1 << 20, moved)
    assert caught.value.code == "EAGAIN"


@LINUX
def test_only_a_pipe_is_written_to(directory: HostDirectory, host: Path) -> None:
    (host / "file").write_bytes(b"from")
    (host / "other").write_bytes(b"kept")
    handle = directory.open(parse("file"), READ)
    target = os.open(host / "other", os.O_RDWR)
    assert directory.splice(handle, target, 4, 0) == 0
    os.close(target)
    assert (host / "other").read_bytes() == b"kept"


def test_systems_that_cannot_move_pages(
    directory: HostDirectory,
    host: Path,
    pipe: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (host / "file").write_bytes(b"content")
    monkeypatch.setattr(_system, "CAN_SPLICE", False)
    handle = directory.open(parse("file"), READ)
    assert directory.splice(handle, pipe[1], 4, 0) == 0
