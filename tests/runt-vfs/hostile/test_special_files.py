"""Files that act when they are opened, or lead elsewhere by magic."""

import os
import socket
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runt_vfs import (
    FileStat,
    GuestPath,
    HostDirectory,
    OpenFlag,
    SpecialFileError,
    VfsError,
    _system,
)

Mount = Callable[..., HostDirectory]
parse = GuestPath.parse
WAYS = [
    OpenFlag.READ,
    OpenFlag.WRITE,
    OpenFlag.READ | OpenFlag.WRITE,
    OpenFlag.WRITE | OpenFlag.APPEND,
    OpenFlag.WRITE | OpenFlag.CREATE | OpenFlag.TRUNCATE,
    OpenFlag.READ | OpenFlag.DIRECTORY,
]


def assert_never_opened(directory: HostDirectory, name: str) -> None:
    for flags in WAYS:
        with pytest.raises(SpecialFileError) as caught:
            directory.open(parse(name), flags)
        assert caught.value.code == "EACCES"
    with pytest.raises(SpecialFileError):
        directory.truncate(parse(name), 0)
    assert not directory.stat(parse(name)).is_file


def test_fifo(directory: HostDirectory, host: Path) -> None:
    os.mkfifo(host / "fifo")
    woken = threading.Event()

    def wait_for_a_reader() -> None:
        os.close(os.open(host / "fifo", os.O_WRONLY))
        woken.set()

    writer = threading.Thread(target=wait_for_a_reader)
    writer.start()
    assert_never_opened(directory, "fifo")
    assert not woken.wait(0.05)
    os.close(os.open(host / "fifo", os.O_RDONLY))
    writer.join()


@pytest.mark.parametrize("flags", [OpenFlag.READ, OpenFlag.READ | OpenFlag.WRITE])
def test_fifo_that_takes_a_files_place(
    directory: HostDirectory,
    host: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: OpenFlag,
) -> None:
    (host / "file").touch()
    os.mkfifo(host / "fifo")
    looked = _system.lstat

    def lstat(parent: int, name: bytes) -> FileStat:
        return looked(parent, b"file" if name == b"fifo" else name)

    monkeypatch.setattr(_system, "lstat", lstat)
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(SpecialFileError):
        directory.open(parse("fifo"), flags)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_socket(
    directory: HostDirectory, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its name has room for about 100 bytes; the temporary directory's may be long.
    monkeypatch.chdir(host)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert_never_opened(directory, "socket")


def test_device(directory: HostDirectory, host: Path) -> None:
    try:
        os.mknod(host / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")
    assert_never_opened(directory, "null")


@pytest.mark.skipif(sys.platform != "linux", reason="magic links are Linux's")
def test_magic_link(mount: Mount, outside: Path) -> None:
    process = mount(Path("/proc/self"), allow_writes=False)
    secret = os.open(outside / "secret", os.O_RDONLY)
    there = os.open(outside, os.O_RDONLY)
    for text in (
        f"fd/{secret}",
        f"fd/{there}/secret",
        "root/etc/passwd",
        "cwd",
        "exe",
        "/".join(("task", str(os.getpid()), "root", "etc")),
    ):
        for call in (process.stat, process.readdir):
            with pytest.raises(VfsError) as caught:
                call(parse(text))
            assert caught.value.code in ("EACCES", "ELOOP")
        with pytest.raises(VfsError):
            process.open(parse(text), OpenFlag.READ)
    os.close(secret)
    os.close(there)


def test_hard_link_to_a_file_outside(directory: HostDirectory, outside: Path) -> None:
    (outside.parent / "mounted" / "away").symlink_to("../outside/secret")
    directory.link(parse("away"), parse("stolen"))
    with pytest.raises(PermissionError):
        directory.open(parse("stolen"), OpenFlag.READ)
    assert (outside / "secret").stat().st_nlink == 1
