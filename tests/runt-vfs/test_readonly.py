"""A read-only mount refuses whatever could change it, before it looks at the disk.

The ways to change a file are taken from `Operation` and `MUTATING_FLAGS`: a new one
fails here until it is covered.
"""

import ast
import inspect
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runt_vfs import (
    MUTATING_FLAGS,
    MUTATING_OPERATIONS,
    GuestPath,
    HostDirectory,
    OpenFlag,
    Operation,
    ReadOnlyError,
    _system,
)

Mount = Callable[..., HostDirectory]
parse = GuestPath.parse
ALL_PATHS = ["file", "directory", "link", "empty", "none", "none/x", "file/x", ""]

CALLS: dict[Operation, list[Callable[[HostDirectory, GuestPath, int], object]]] = {
    Operation.PWRITE: [
        lambda mount, _path, handle: mount.pwrite(handle, b"x", 0),
        lambda mount, _path, handle: mount.pwrite(handle, b"", 0),
        lambda mount, _path, _handle: mount.pwrite(999, b"x", -1),
    ],
    Operation.FTRUNCATE: [
        lambda mount, _path, handle: mount.ftruncate(handle, 0),
        lambda mount, _path, _handle: mount.ftruncate(999, -1),
    ],
    Operation.TRUNCATE: [
        lambda mount, path, _handle: mount.truncate(path, 0),
        lambda mount, path, _handle: mount.truncate(path, -1),
    ],
    Operation.MKDIR: [lambda mount, path, _handle: mount.mkdir(path)],
    Operation.RMDIR: [lambda mount, path, _handle: mount.rmdir(path)],
    Operation.UNLINK: [lambda mount, path, _handle: mount.unlink(path)],
    Operation.RENAME: [
        lambda mount, path, _handle: mount.rename(path, parse("new")),
        lambda mount, path, _handle: mount.rename(parse("file"), path),
        lambda mount, path, _handle: mount.rename(path, path),
    ],
    Operation.LINK: [
        lambda mount, path, _handle: mount.link(path, parse("new")),
        lambda mount, path, _handle: mount.link(parse("file"), path),
    ],
    Operation.SYMLINK: [
        lambda mount, path, _handle: mount.symlink("file", path),
        lambda mount, path, _handle: mount.symlink("/etc", path),
        lambda mount, path, _handle: mount.symlink("", path),
    ],
    Operation.CHMOD: [
        lambda mount, path, _handle: mount.chmod(path, 0o666),
        lambda mount, path, _handle: mount.chmod(path, 0),
    ],
    Operation.UTIME: [
        lambda mount, path, _handle: mount.utime(path, 0, 0),
        lambda mount, path, _handle: mount.utime(path, 0, 0, follow=False),
        lambda mount, path, _handle: mount.utime(path, 1 << 70, 0),
    ],
}

Snapshot = dict[str, tuple[object, ...]]


@pytest.fixture
def host(host: Path) -> Path:
    (host / "file").write_bytes(b"content")
    (host / "directory").mkdir()
    (host / "directory" / "inner").write_bytes(b"inner")
    (host / "empty").mkdir()
    (host / "link").symlink_to("file")
    (host / "dangling").symlink_to("new")
    return host


def snapshot(host: Path) -> Snapshot:
    found: Snapshot = {}
    for path in [host, *host.rglob("*")]:
        real = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        target = str(path.readlink()) if path.is_symlink() else ""
        times = (real.st_mtime_ns, real.st_ctime_ns)
        found[str(path)] = (real.st_mode, real.st_nlink, times, content, target)
    return found


def test_every_operation_is_a_method_and_every_method_an_operation() -> None:
    methods = {
        name
        for name, _ in inspect.getmembers(HostDirectory, inspect.isfunction)
        if not name.startswith("_")
    }
    of_the_host_alone = {"unmount", "splice"}
    assert methods - of_the_host_alone == {operation.value for operation in Operation}


def test_every_mutator_is_tried() -> None:
    assert set(CALLS) == MUTATING_OPERATIONS == {o for o in Operation if o.mutates}


@pytest.mark.parametrize("text", ALL_PATHS)
@pytest.mark.parametrize(
    "operation", [operation for operation in Operation if operation.mutates]
)
def test_a_mutator_changes_nothing(
    mount: Mount, host: Path, operation: Operation, text: str
) -> None:
    directory = mount(allow_writes=False)
    handle = directory.open(parse("file"), OpenFlag.READ)
    before = snapshot(host)
    for call in CALLS[operation]:
        with pytest.raises(ReadOnlyError) as caught:
            call(directory, parse(text), handle)
        assert isinstance(caught.value, PermissionError)
        assert caught.value.code == "EACCES"
        assert snapshot(host) == before
    assert directory.pread(handle, 99, 0) == b"content"


@pytest.mark.parametrize("text", [*ALL_PATHS, "dangling"])
@pytest.mark.parametrize("flag", list(MUTATING_FLAGS))
def test_no_flag_opens_for_writing(
    mount: Mount, host: Path, flag: OpenFlag, text: str
) -> None:
    directory = mount(allow_writes=False)
    before = snapshot(host)
    rest = list(OpenFlag)
    for others in (OpenFlag(0), OpenFlag.READ, *rest, MUTATING_FLAGS):
        with pytest.raises(ReadOnlyError):
            directory.open(parse(text), flag | others)
        with pytest.raises(ReadOnlyError):
            directory.open_and_read(parse(text), flag | others, 9)
    assert snapshot(host) == before


def test_moves_from_or_to_a_read_only_mount(
    mount: Mount, host: Path, outside: Path
) -> None:
    read_only, writable = mount(allow_writes=False), mount(outside)
    before = snapshot(host), snapshot(outside)
    for source, target in ((read_only, writable), (writable, read_only)):
        for operation in (source.rename, source.link):
            for text in ("file", "secret"):
                with pytest.raises(ReadOnlyError):
                    operation(parse(text), parse("new"), into=target)
    assert (snapshot(host), snapshot(outside)) == before


def test_modes_tell_the_truth(mount: Mount, host: Path) -> None:
    (host / "file").chmod(0o777)
    directory = mount(allow_writes=False)
    modes = {
        entry.name: entry.stat.mode & 0o7777 for entry in directory.readdir(parse(""))
    }
    assert (modes["file"], modes["directory"]) == (0o444, 0o555)
    assert directory.stat(parse("link")).mode & 0o7777 == 0o444
    assert directory.lstat(parse("link")).is_symlink
    assert directory.stat(parse("")).mode & 0o7777 == 0o555
    handle = directory.open(parse("file"), OpenFlag.READ)
    assert directory.fstat(handle).mode & 0o7777 == 0o444
    assert directory.statfs().read_only


def test_reading_works_and_changes_nothing(mount: Mount, host: Path) -> None:
    before = snapshot(host)
    directory = mount(allow_writes=False)
    for entry in directory.readdir(parse("")):
        directory.lstat(parse(entry.name))
    handle = directory.open(parse("link"), OpenFlag.READ)
    assert directory.pread(handle, 99, 0) == b"content"
    directory.fsync(handle)
    directory.close(handle)
    opened = directory.open_and_read(parse("file"), OpenFlag.READ, 9)
    assert (opened.head, opened.stat.mode & 0o777) == (b"content", 0o444)
    [entry] = directory.open_entries(parse(""), ["file"], 9)
    assert entry is not None
    assert entry.stat.mode & 0o777 == 0o444
    assert directory.readlink(parse("link")) == "file"
    assert snapshot(host) == before


def test_its_files_are_not_open_for_writing_even_to_us(mount: Mount) -> None:
    directory = mount(allow_writes=False)
    handle = directory.open(parse("file"), OpenFlag.READ)
    with directory._handles.use(handle) as file, pytest.raises(OSError, match="Bad"):  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - past the fence on purpose
        os.pwrite(file.descriptor, b"x", 0)
    assert directory._writer is None  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - the property itself


def test_only_the_writer_can_change_a_file() -> None:
    """No function of the system module names what changes files, save in `Writer`."""
    changing = {"replace", "rename", "renames", "unlink", "remove", "rmdir", "mkdir"}
    changing |= {"link", "symlink", "chmod", "fchmod", "lchmod", "chown", "utime"}
    changing |= {"truncate", "ftruncate", "write", "pwrite", "writev", "pwritev"}
    changing |= {"mkfifo", "mknod", "makedirs", "removedirs", "sendfile", "splice"}
    changing |= {"copy_file_range", "setxattr", "removexattr", "posix_fallocate"}
    changing |= {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"}
    tree = ast.parse(inspect.getsource(_system))
    # `splice` writes to nothing but a pipe, as test_system.py shows.
    allowed = {"Writer", "_write_flags", "splice"}
    guilty = [
        (getattr(part, "name", "module"), node.attr)
        for part in tree.body
        if getattr(part, "name", "") not in allowed
        for node in ast.walk(part)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in changing
    ]
    assert guilty == []
    source = Path(str(_system.__file__)).parent
    elsewhere = {
        path.name
        for path in source.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr not in {"fspath", "path", "PathLike", "strerror"}
    }
    assert elsewhere == {"_system.py"}
