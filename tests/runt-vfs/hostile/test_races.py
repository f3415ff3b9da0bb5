"""Trees that change while a path is resolved in them."""

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from runt_vfs import (
    FileStat,
    GuestPath,
    HostDirectory,
    HostError,
    Limits,
    OpenFlag,
    VfsError,
    _system,
)

Mount = Callable[..., HostDirectory]
parse = GuestPath.parse
READ, WRITE, CREATE = OpenFlag.READ, OpenFlag.WRITE, OpenFlag.CREATE
SECONDS = 1.0


@contextlib.contextmanager
def going_on(step: Callable[[], None]) -> Generator[None]:
    """Repeat a step in a thread while the block runs."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            step()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def rounds(hit: Callable[[], bool]) -> Iterator[None]:
    """Yield for `SECONDS`, and on a busy machine until the attack has hit at all."""
    start = time.monotonic()
    while (passed := time.monotonic() - start) < 10 * SECONDS:
        if passed > SECONDS and hit():
            return
        yield


def state_of(outside: Path) -> list[tuple[object, ...]]:
    return sorted(
        (path.name, path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
        for path in outside.iterdir()
    )


def test_directory_and_symlink_take_turns(
    directory: HostDirectory, host: Path, outside: Path
) -> None:
    (host / "real").mkdir()
    (host / "real" / "secret").write_text("mine")
    (host / "link").symlink_to("../outside")
    before, seen = state_of(outside), {"inside": 0, "refused": 0}

    def swap() -> None:
        for name in ("real", "link"):
            os.rename(host / name, host / "d")  # noqa: PTH104 - both ways alike
            os.rename(host / "d", host / name)  # noqa: PTH104 - the same

    def attack() -> None:
        handle = directory.open(parse("d/secret"), READ)
        assert directory.pread(handle, 99, 0) == b"mine"
        directory.close(handle)
        seen["inside"] += 1

    attempts: list[Callable[[], object]] = [
        attack,
        lambda: directory.close(directory.open(parse("d/new"), WRITE | CREATE)),
        lambda: directory.chmod(parse("d/secret"), 0o600),
        lambda: directory.utime(parse("d/secret"), 1, 1),
        lambda: directory.unlink(parse("d/new")),
        lambda: directory.mkdir(parse("d/dir")),
        lambda: directory.rmdir(parse("d/dir")),
        lambda: directory.symlink("secret", parse("d/planted")),
        lambda: directory.rename(parse("d/planted"), parse("d/moved")),
        lambda: directory.readdir(parse("d")),
    ]
    with going_on(swap):
        for _ in rounds(lambda: min(seen.values()) > 0):
            for attempt in attempts:
                try:
                    attempt()
                except VfsError:
                    seen["refused"] += 1
    assert state_of(outside) == before
    assert min(seen.values()) > 0


def test_file_and_symlink_take_turns(
    directory: HostDirectory, host: Path, outside: Path
) -> None:
    (host / "real").write_text("mine")
    (host / "link").symlink_to("../outside/secret")
    before = state_of(outside)
    opened: list[int] = []

    def swap() -> None:
        for name in ("real", "link"):
            os.rename(host / name, host / "f")  # noqa: PTH104 - both ways alike
            os.rename(host / "f", host / name)  # noqa: PTH104 - the same

    with going_on(swap):
        for _ in rounds(lambda: bool(opened)):
            with contextlib.suppress(VfsError):
                handle = directory.open(parse("f"), READ | WRITE)
                assert directory.pread(handle, 99, 0) != b"secret"
                directory.pwrite(handle, b"mine", 0)
                directory.close(handle)
                opened.append(handle)
            with contextlib.suppress(VfsError):
                directory.chmod(parse("f"), 0o640)
            with contextlib.suppress(VfsError):
                directory.utime(parse("f"), 1, 1)
            with contextlib.suppress(VfsError):
                directory.truncate(parse("f"), 4)
    assert state_of(outside) == before
    assert opened


def test_directory_is_moved_out_while_a_link_climbs_from_it(
    directory: HostDirectory, host: Path, outside: Path
) -> None:
    (host / "a" / "b").mkdir(parents=True)
    (host / "secret").write_text("mine")
    (host / "climb").symlink_to("a/b/../../secret")
    (outside / "deep").mkdir()
    (outside / "deep" / "secret").write_text("theirs")
    read: set[bytes] = set()

    def move() -> None:
        (host / "a" / "b").rename(outside / "deep" / "b")
        (outside / "deep" / "b").rename(host / "a" / "b")

    with going_on(move):
        for _ in rounds(lambda: bool(read)):
            with contextlib.suppress(VfsError):
                handle = directory.open(parse("climb"), READ)
                read.add(directory.pread(handle, 99, 0))
                directory.close(handle)
    assert read == {b"mine"}


def test_the_kernel_gives_up_on_a_tree_that_never_keeps_still(
    mount: Mount, resolver_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if resolver_kind != "kernel":
        pytest.skip("the walk asks once")
    directory = mount(limits=Limits(max_races=3))
    answers = [errno.EAGAIN, errno.EAGAIN]
    real = _system.open_beneath

    def open_beneath(root: int, path: bytes) -> int:
        if answers:
            number = answers.pop()
            raise OSError(number, os.strerror(number))
        return real(root, path)

    monkeypatch.setattr(_system, "open_beneath", open_beneath)
    directory.mkdir(parse("parent"))
    directory.mkdir(parse("parent/d"))
    answers += [errno.EAGAIN] * 3
    with pytest.raises(HostError) as caught:
        directory.mkdir(parse("parent/e"))
    assert caught.value.code == "EAGAIN"
    answers += [errno.EIO]
    with pytest.raises(HostError) as caught:
        directory.mkdir(parse("parent/e"))
    assert caught.value.code == "EIO"


def test_a_file_that_comes_and_goes_is_opened_or_given_up(
    mount: Mount, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = mount(limits=Limits(max_races=3))
    (host / "f").write_text("content")
    real, lies = _system.lstat, 2

    def lstat(parent: int, name: bytes) -> FileStat:
        nonlocal lies
        lies -= 1
        if lies >= 0:
            raise FileNotFoundError
        return real(parent, name)

    monkeypatch.setattr(_system, "lstat", lstat)
    directory.close(directory.open(parse("f"), READ | CREATE | OpenFlag.NOFOLLOW))
    lies = 3
    with pytest.raises(HostError) as caught:
        directory.open(parse("f"), WRITE | CREATE | OpenFlag.NOFOLLOW)
    assert caught.value.code == "EAGAIN"
    assert (host / "f").read_text() == "content"


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ELOOP, "EAGAIN"), (errno.EIO, "EIO")]
)
def test_a_file_that_is_exchanged_before_it_is_opened(
    mount: Mount,
    host: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: str,
) -> None:
    (host / "f").touch()

    def fail(*_arguments: object, **_flags: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_system.Writer, "open", fail)
    with pytest.raises(HostError) as caught:
        mount().open(parse("f"), WRITE)
    assert caught.value.code == code


def test_a_file_that_cannot_be_emptied_is_closed(
    directory: HostDirectory, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (host / "f").touch()

    def fail(*_arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(_system.Writer, "ftruncate", fail)
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(HostError):
        directory.open(parse("f"), WRITE | OpenFlag.TRUNCATE)
    with pytest.raises(HostError):
        directory.truncate(parse("f"), 0)
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("flags", "code"),
    [(READ, "ELOOP"), (WRITE, "EAGAIN"), (WRITE | OpenFlag.TRUNCATE, "EAGAIN")],
)
def test_a_link_that_takes_a_files_place_before_it_is_opened(
    directory: HostDirectory,
    host: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: OpenFlag,
    code: str,
) -> None:
    (host / "file").touch()
    (host / "link").symlink_to("../outside/secret")
    real = _system.lstat

    def lstat(parent: int, name: bytes) -> FileStat:
        return real(parent, b"file" if name == b"link" else name)

    monkeypatch.setattr(_system, "lstat", lstat)
    with pytest.raises(HostError) as caught:
        directory.open(parse("link"), flags)
    assert caught.value.code == code
    assert (host.parent / "outside" / "secret").read_text() == "secret"
