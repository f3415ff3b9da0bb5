"""Each operation on a real directory, with each resolver."""

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runt_vfs import (
    DirectoryEntry,
    GuestPath,
    HostDirectory,
    LimitError,
    Limits,
    OpenFlag,
    PolicyError,
    VfsError,
    open_host_directory,
)

READ, WRITE = OpenFlag.READ, OpenFlag.WRITE
CREATE = OpenFlag.CREATE
parse = GuestPath.parse
ROOT = parse("")

Mount = Callable[..., HostDirectory]


def refused(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(VfsError) as caught:
        call(*arguments)
    assert not isinstance(caught.value, PolicyError)
    return caught.value.code


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def write(directory: HostDirectory, name: str, data: bytes) -> None:
    handle = directory.open(parse(name), WRITE | CREATE | OpenFlag.TRUNCATE)
    assert directory.pwrite(handle, data, 0) == len(data)
    directory.close(handle)


def read(directory: HostDirectory, name: str) -> bytes:
    handle = directory.open(parse(name), READ)
    data = directory.pread(handle, 1 << 20, 0)
    directory.close(handle)
    return data


def test_what_is_written_is_on_the_host_at_once(
    directory: HostDirectory, host: Path
) -> None:
    handle = directory.open(parse("a"), READ | WRITE | CREATE)
    assert directory.pwrite(handle, b"hello", 0) == 5
    assert (host / "a").read_bytes() == b"hello"
    assert directory.pread(handle, 3, 1) == b"ell"
    directory.fsync(handle)
    directory.close(handle)
    (host / "a").write_bytes(b"changed")
    assert read(directory, "a") == b"changed"


def test_attributes_are_the_hosts(directory: HostDirectory, host: Path) -> None:
    (host / "a").write_bytes(b"abc")
    os.link(host / "a", host / "b")
    os.utime(host / "a", ns=(5_000_000_001, 6_000_000_002))
    found, real = directory.stat(parse("a")), (host / "a").stat()
    assert found.mode == real.st_mode
    assert (found.inode, found.device) == (real.st_ino, real.st_dev)
    assert (found.size, found.links, found.blocks) == (3, 2, real.st_blocks)
    assert (found.atime_ns, found.mtime_ns) == (5_000_000_001, 6_000_000_002)
    assert found.ctime_ns == real.st_ctime_ns
    assert found.is_file


def test_the_root_is_a_directory(directory: HostDirectory, host: Path) -> None:
    assert directory.stat(ROOT).is_directory
    assert directory.lstat(ROOT).inode == host.stat().st_ino
    assert directory.readdir(ROOT) == ()
    directory.chmod(ROOT, 0o700)
    directory.utime(ROOT, 0, 0)
    assert (host.stat().st_mtime_ns, host.stat().st_mode & 0o777) == (0, 0o700)


def test_the_root_cannot_be_replaced(directory: HostDirectory) -> None:
    directory.mkdir(parse("a"))
    assert refused(directory.mkdir, ROOT) == "EEXIST"
    assert refused(directory.rmdir, ROOT) == "EBUSY"
    assert refused(directory.unlink, ROOT) == "EBUSY"
    assert refused(directory.rename, ROOT, parse("b")) == "EBUSY"
    assert refused(directory.rename, parse("a"), ROOT) == "EBUSY"
    assert refused(directory.link, ROOT, parse("b")) == "EEXIST"
    assert refused(directory.symlink, "x", ROOT) == "EEXIST"
    assert refused(directory.readlink, ROOT) == "EINVAL"
    assert refused(directory.open, ROOT, WRITE) == "EISDIR"


def test_a_listing_carries_the_attributes(directory: HostDirectory, host: Path) -> None:
    (host / "d").mkdir()
    (host / "d" / "file").write_bytes(b"abc")
    (host / "d" / "sub").mkdir()
    (host / "d" / "link").symlink_to("file")
    (host / "to-d").symlink_to("d")
    for name in ("d", "to-d"):
        entries = directory.readdir(parse(name))
        assert sorted(entry.name for entry in entries) == ["file", "link", "sub"]
        for entry in entries:
            assert entry.stat == directory.lstat(parse(f"d/{entry.name}"))
    assert refused(directory.readdir, parse("d/file")) == "ENOTDIR"
    assert refused(directory.readdir, parse("none")) == "ENOENT"


def test_a_listing_has_a_limit(mount: Mount, host: Path) -> None:
    for name in "abc":
        (host / name).touch()
    assert len(mount(limits=Limits(max_directory_entries=3)).readdir(ROOT)) == 3
    with pytest.raises(LimitError) as caught:
        mount(limits=Limits(max_directory_entries=2)).readdir(ROOT)
    assert caught.value.code == "EOVERFLOW"


def test_odd_names(directory: HostDirectory, host: Path) -> None:
    names = ["a b", "é", "😀", "\n", "*", "-rf", "...", 'quo"te', "\\"]
    if sys.platform == "linux":  # macOS takes UTF-8 only
        names.append("caf\udce9")
    for name in names:
        write(directory, name, name.encode("utf-8", "surrogateescape"))
    assert {entry.name for entry in directory.readdir(ROOT)} == set(names)
    assert {os.fsencode(path.name) for path in host.iterdir()} == {
        name.encode("utf-8", "surrogateescape") for name in names
    }
    for name in names:
        data = name.encode("utf-8", "surrogateescape")
        assert read(directory, name) == data


def test_deep_trees(directory: HostDirectory) -> None:
    path = ROOT
    for _ in range(200):
        path = path.child("d")
        directory.mkdir(path)
    write(directory, str(path.child("f")), b"deep")
    assert read(directory, str(path.child("f"))) == b"deep"


def test_the_host_says_what_is_too_long(directory: HostDirectory) -> None:
    assert refused(directory.mkdir, parse("a" * 256)) == "ENAMETOOLONG"
    assert refused(directory.stat, parse("a" * 256)) == "ENAMETOOLONG"


def test_an_absolute_path_is_none_of_a_mount(directory: HostDirectory) -> None:
    assert refused(directory.stat, parse("/")) == "EINVAL"
    assert refused(directory.mkdir, parse("/a")) == "EINVAL"


@pytest.mark.parametrize("flags", [OpenFlag(0), CREATE, READ | OpenFlag.TRUNCATE])
def test_flags_that_mean_nothing(directory: HostDirectory, flags: OpenFlag) -> None:
    write(directory, "a", b"abc")
    assert refused(directory.open, parse("a"), flags) == "EINVAL"
    assert read(directory, "a") == b"abc"


def test_modes_of_open(directory: HostDirectory, host: Path) -> None:
    assert refused(directory.open, parse("a"), READ) == "ENOENT"
    assert refused(directory.open, parse("a"), WRITE) == "ENOENT"
    new = WRITE | CREATE | OpenFlag.EXCLUSIVE
    directory.close(directory.open(parse("a"), new, 0o640))
    assert stat.S_IMODE((host / "a").stat().st_mode) & 0o137 == 0
    assert refused(directory.open, parse("a"), new) == "EEXIST"
    handle = directory.open(parse("a"), WRITE | OpenFlag.APPEND)
    assert directory.pwrite(handle, b"one", 0) == 3
    assert directory.pwrite(handle, b"two", 0) == 3
    assert refused(directory.pread, handle, 1, 0) == "EBADF"
    directory.close(handle)
    assert (host / "a").read_bytes() == b"onetwo"
    for name in ("a", "new"):
        handle = directory.open(parse(name), READ | CREATE | OpenFlag.APPEND)
        assert refused(directory.pwrite, handle, b"x", 0) == "EBADF"
        assert refused(directory.ftruncate, handle, 0) == "EBADF"
        directory.close(handle)
    assert (host / "new").read_bytes() == b""
    write(directory, "a", b"")
    assert (host / "a").read_bytes() == b""


def test_opening_directories(directory: HostDirectory, host: Path) -> None:
    (host / "d").mkdir()
    (host / "f").touch()
    handle = directory.open(parse("d"), READ | OpenFlag.DIRECTORY)
    directory.fsync(handle)
    assert directory.fstat(handle).is_directory
    assert refused(directory.pread, handle, 1, 0) == "EISDIR"
    directory.close(handle)
    assert refused(directory.open, parse("f"), READ | OpenFlag.DIRECTORY) == "ENOTDIR"
    assert refused(directory.open, parse("d"), WRITE) == "EISDIR"
    assert refused(directory.open, parse("d"), READ | CREATE) == "EISDIR"
    assert refused(directory.open, parse("f/x"), READ) == "ENOTDIR"


def test_setuid_setgid_and_sticky_are_never_set(
    directory: HostDirectory, host: Path
) -> None:
    directory.close(directory.open(parse("a"), WRITE | CREATE, 0o7755))
    directory.mkdir(parse("d"), 0o7755)
    for name in ("a", "d"):
        assert stat.S_IMODE((host / name).stat().st_mode) & 0o7000 == 0
        directory.chmod(parse(name), 0o6711)
        assert stat.S_IMODE((host / name).stat().st_mode) == 0o711


def test_handles_are_never_used_twice(directory: HostDirectory) -> None:
    write(directory, "a", b"a")
    first = directory.open(parse("a"), READ)
    directory.close(first)
    second = directory.open(parse("a"), READ)
    assert second != first
    for call in (directory.close, directory.fsync, directory.fstat):
        assert refused(call, first) == "EBADF"
    assert refused(directory.pread, first, 1, 0) == "EBADF"
    assert refused(directory.pwrite, first, b"", 0) == "EBADF"
    assert refused(directory.ftruncate, first, 0) == "EBADF"


def test_open_files_are_bounded(mount: Mount, host: Path) -> None:
    (host / "a").touch()
    directory = mount(limits=Limits(max_open_files=2))
    descriptors = open_descriptors()
    handles = [directory.open(parse("a"), READ) for _ in range(2)]
    for flags in (READ, WRITE, WRITE | CREATE):
        with pytest.raises(LimitError) as caught:
            directory.open(parse("a"), flags)
        assert caught.value.code == "EMFILE"
    directory.close(handles.pop())
    handles.append(directory.open(parse("a"), READ))
    for handle in handles:
        directory.close(handle)
    assert open_descriptors() == descriptors


def test_numbers_no_file_can_have(directory: HostDirectory) -> None:
    handle = directory.open(parse("a"), READ | WRITE | CREATE)
    for bad in (-1, 1 << 63, 1 << 100):
        assert refused(directory.pread, handle, 1, bad) == "EINVAL"
        assert refused(directory.pread, handle, bad, 0) == "EINVAL"
        assert refused(directory.pwrite, handle, b"", bad) == "EINVAL"
        assert refused(directory.ftruncate, handle, bad) == "EINVAL"
        assert refused(directory.truncate, parse("a"), bad) == "EINVAL"
    assert refused(directory.utime, parse("a"), 1 << 63, 0) == "EINVAL"
    assert refused(directory.utime, parse("a"), 0, -(1 << 100)) == "EINVAL"
    directory.close(handle)


def test_offsets_above_two_gib(directory: HostDirectory, host: Path) -> None:
    offset = (5 << 30) + 7
    handle = directory.open(parse("big"), READ | WRITE | CREATE)
    assert directory.pwrite(handle, b"end", offset) == 3
    assert directory.pread(handle, 10, offset + 1) == b"nd"
    assert directory.fstat(handle).size == (host / "big").stat().st_size == offset + 3
    directory.ftruncate(handle, 3 << 30)
    assert directory.pread(handle, 10, offset) == b""
    directory.close(handle)
    directory.truncate(parse("big"), 1 << 31)
    assert directory.stat(parse("big")).size == 1 << 31


def test_large_reads_and_writes_are_done_in_part(mount: Mount) -> None:
    directory = mount(limits=Limits(max_io_bytes=4))
    handle = directory.open(parse("a"), READ | WRITE | CREATE)
    assert directory.pwrite(handle, b"abcdef", 0) == 4
    assert directory.pwrite(handle, memoryview(b"abcdef")[4:], 4) == 2
    assert directory.pread(handle, 1 << 40, 1) == b"bcde"
    directory.close(handle)


def test_directories_come_and_go(directory: HostDirectory, host: Path) -> None:
    directory.mkdir(parse("d"), 0o700)
    directory.mkdir(parse("d/e"))
    assert refused(directory.mkdir, parse("d")) == "EEXIST"
    assert refused(directory.mkdir, parse("x/y")) == "ENOENT"
    assert refused(directory.rmdir, parse("d")) == "ENOTEMPTY"
    assert refused(directory.unlink, parse("d")) in ("EISDIR", "EPERM")
    directory.rmdir(parse("d/e"))
    directory.rmdir(parse("d"))
    assert refused(directory.rmdir, parse("d")) == "ENOENT"
    assert list(host.iterdir()) == []


def test_names_move(directory: HostDirectory, host: Path) -> None:
    write(directory, "a", b"a")
    write(directory, "b", b"b")
    directory.mkdir(parse("d"))
    directory.rename(parse("a"), parse("d/c"))
    directory.rename(parse("b"), parse("d/c"))
    directory.rename(parse("d"), parse("e"))
    assert [str(path.relative_to(host)) for path in host.rglob("*")] == ["e", "e/c"]
    assert (host / "e" / "c").read_bytes() == b"b"
    assert refused(directory.rename, parse("none"), parse("x")) == "ENOENT"
    assert refused(directory.rename, parse("none/x"), parse("x")) == "ENOENT"
    assert refused(directory.rename, parse("e"), parse("e/f")) == "EINVAL"


def test_files_have_several_names(directory: HostDirectory, host: Path) -> None:
    write(directory, "a", b"a")
    directory.link(parse("a"), parse("b"))
    assert (host / "b").samefile(host / "a")
    assert refused(directory.link, parse("a"), parse("b")) == "EEXIST"
    directory.unlink(parse("a"))
    assert read(directory, "b") == b"a"
    directory.mkdir(parse("d"))
    assert refused(directory.link, parse("d"), parse("e")) == "EPERM"


def test_nothing_moves_between_mounts(mount: Mount, outside: Path, host: Path) -> None:
    directory, other = mount(), mount(outside)
    write(directory, "a", b"a")
    for operation in (directory.rename, directory.link):
        with pytest.raises(VfsError) as caught:
            operation(parse("a"), parse("a"), into=other)
        assert caught.value.code == "EXDEV"
    assert (host / "a").exists()
    assert not (outside / "a").exists()
    directory.rename(parse("a"), parse("b"), into=directory)
    assert (host / "b").exists()


def test_symlinks_that_stay_inside(directory: HostDirectory, host: Path) -> None:
    directory.mkdir(parse("d"))
    write(directory, "d/f", b"f")
    directory.symlink("d/f", parse("l"))
    directory.symlink("../d/f", parse("d/m"))
    directory.symlink("d", parse("e"))
    directory.symlink("..", parse("d/up"))
    directory.symlink(".", parse("here"))
    for name in ("l", "d/m", "e/f", "e/m", "d/up/l", "d/up/e/m", "here/here/l"):
        assert read(directory, name) == b"f"
        assert directory.stat(parse(name)).is_file
        assert (host / name).read_bytes() == b"f"
    assert directory.lstat(parse("l")).is_symlink
    assert directory.readlink(parse("d/m")) == "../d/f"
    assert directory.stat(parse("d/up")) == directory.stat(ROOT)
    write(directory, "l", b"through")
    assert (host / "d" / "f").read_bytes() == b"through"
    directory.unlink(parse("l"))
    assert (host / "d" / "f").exists()
    assert refused(directory.open, parse("d/m"), READ | OpenFlag.NOFOLLOW) == "ELOOP"
    assert refused(directory.open, parse("d/m"), WRITE | OpenFlag.NOFOLLOW) == "ELOOP"
    assert refused(directory.symlink, "x", parse("e")) == "EEXIST"


def test_a_file_is_made_where_a_dangling_link_leads(
    directory: HostDirectory, host: Path
) -> None:
    directory.mkdir(parse("d"))
    directory.symlink("d/new", parse("l"))
    assert refused(directory.stat, parse("l")) == "ENOENT"
    exclusive = WRITE | CREATE | OpenFlag.EXCLUSIVE
    assert refused(directory.open, parse("l"), exclusive) == "EEXIST"
    write(directory, "l", b"made")
    assert (host / "d" / "new").read_bytes() == b"made"


def test_times_and_modes_go_through_links(directory: HostDirectory, host: Path) -> None:
    write(directory, "f", b"")
    directory.symlink("f", parse("l"))
    directory.chmod(parse("l"), 0o600)
    directory.utime(parse("l"), 1, 2)
    assert stat.S_IMODE((host / "f").stat().st_mode) == 0o600
    assert (host / "f").stat().st_mtime_ns == 2
    directory.utime(parse("l"), 3, 4_000_000_000, follow=False)
    assert (host / "l").lstat().st_mtime_ns == 4_000_000_000
    assert (host / "f").stat().st_mtime_ns == 2


def test_the_room_on_the_disk(directory: HostDirectory, host: Path) -> None:
    real = os.statvfs(host)
    found = directory.statfs()
    assert (found.block_size, found.blocks) == (real.f_frsize, real.f_blocks)
    assert found.max_name_bytes == real.f_namemax
    assert not found.read_only


def test_an_open_file_outlives_its_name(directory: HostDirectory) -> None:
    handle = directory.open(parse("a"), READ | WRITE | CREATE)
    directory.unlink(parse("a"))
    directory.pwrite(handle, b"still", 0)
    assert directory.pread(handle, 9, 0) == b"still"
    directory.close(handle)


def test_the_mounted_directory_can_vanish(directory: HostDirectory, host: Path) -> None:
    write(directory, "a", b"a")
    handle = directory.open(parse("a"), READ)
    (host / "a").unlink()
    host.rmdir()
    assert refused(directory.stat, parse("a")) == "ENOENT"
    assert refused(directory.mkdir, parse("d")) == "ENOENT"
    assert directory.readdir(ROOT) == ()
    assert directory.pread(handle, 1, 0) == b"a"


def test_it_stays_the_same_directory_wherever_it_is_moved(
    directory: HostDirectory, host: Path
) -> None:
    (host / "a").write_text("mine")
    host.rename(host.parent / "moved")
    host.mkdir()
    (host / "a").write_text("not mine")
    assert read(directory, "a") == b"mine"


def test_after_unmounting_nothing_is_left(mount: Mount) -> None:
    before = open_descriptors()
    with mount() as directory:
        handle = directory.open(parse("a"), WRITE | CREATE)
    assert open_descriptors() == before
    assert refused(directory.stat, ROOT) == "EBADF"
    assert refused(directory.stat, parse("a")) == "EBADF"
    assert refused(directory.statfs) == "EBADF"
    assert refused(directory.pread, handle, 1, 0) == "EBADF"


def test_no_error_names_a_path_of_the_host(
    directory: HostDirectory, host: Path
) -> None:
    (host / "away").symlink_to(host.parent / "outside")
    for call, path in (
        (directory.stat, "none"),
        (directory.readdir, "away"),
        (directory.mkdir, "none/x"),
        (directory.chmod, "away/secret"),
    ):
        with pytest.raises(VfsError) as caught:
            call(parse(path), *([0o600] if call == directory.chmod else []))
        error = caught.value
        assert error.filename == path
        assert str(host.parent) not in f"{error}{error!r}{error.args}"
        assert error.__cause__ is None
        assert error.__suppress_context__


def test_what_cannot_be_mounted(host: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_host_directory(host / "none")
    (host / "f").touch()
    with pytest.raises(NotADirectoryError) as caught:
        open_host_directory(host / "f")
    assert caught.value.filename == str(host / "f")


def test_systems_without_directory_descriptors_say_so(
    monkeypatch: pytest.MonkeyPatch, host: Path
) -> None:
    monkeypatch.setattr("runt_vfs._system.CAN_HOLD_DIRECTORIES", False)
    with pytest.raises(OSError, match=os.strerror(errno.ENOTSUP)) as caught:
        open_host_directory(host)
    assert caught.value.errno == errno.ENOTSUP


def test_a_mount_is_read_only_unless_writes_are_allowed(host: Path) -> None:
    with open_host_directory(host) as directory:
        assert directory.is_read_only


def test_entries_are_values(directory: HostDirectory) -> None:
    write(directory, "a", b"")
    [entry] = directory.readdir(ROOT)
    assert entry == DirectoryEntry(name="a", stat=directory.stat(parse("a")))
