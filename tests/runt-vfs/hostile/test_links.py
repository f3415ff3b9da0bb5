"""Symlinks that lead out: planted by the host, or made and moved by the guest."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runt_vfs import (
    GuestPath,
    HostDirectory,
    HostError,
    LeavesMountError,
    OpenFlag,
    VfsError,
)

parse = GuestPath.parse
READ, WRITE, CREATE = OpenFlag.READ, OpenFlag.WRITE, OpenFlag.CREATE

FOLLOWING: dict[str, Callable[[HostDirectory, GuestPath], object]] = {
    "stat": lambda mount, path: mount.stat(path),
    "readdir": lambda mount, path: mount.readdir(path),
    "read": lambda mount, path: mount.open(path, READ),
    "write": lambda mount, path: mount.open(path, WRITE),
    "create": lambda mount, path: mount.open(path, WRITE | CREATE),
    "cut": lambda mount, path: mount.open(path, WRITE | OpenFlag.TRUNCATE),
    "truncate": lambda mount, path: mount.truncate(path, 0),
    "chmod": lambda mount, path: mount.chmod(path, 0o777),
    "utime": lambda mount, path: mount.utime(path, 0, 0),
}


def tree(root: Path) -> list[tuple[object, ...]]:
    return sorted(
        (
            str(path),
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.lstat().st_size,
        )
        for path in [root, *root.rglob("*")]
    )


@pytest.fixture
def planted(host: Path, outside: Path) -> Path:
    (host / "sub").mkdir()
    (host / "absolute").symlink_to(outside)
    (host / "relative").symlink_to("../outside")
    (host / "sub" / "relative").symlink_to("../../outside")
    (host / "returns").symlink_to("../mounted/../outside")
    (host / "chain").symlink_to("sub/relative")
    (host / "root").symlink_to("/")
    (host / "file").symlink_to("../outside/secret")
    (host / "new").symlink_to("../outside/new")
    return host


ESCAPES = [
    *["absolute", "relative", "sub/relative", "returns", "chain", "root"],
    *["absolute/secret", "relative/secret", "sub/relative/secret", "chain/secret"],
    *["root/etc/passwd", "file", "new", "absolute/new", "chain/new"],
]


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("text", ESCAPES)
@pytest.mark.parametrize("operation", FOLLOWING)
def test_planted_link(
    directory: HostDirectory, outside: Path, operation: str, text: str
) -> None:
    before = tree(outside)
    with pytest.raises(LeavesMountError) as caught:
        FOLLOWING[operation](directory, parse(text))
    assert caught.value.code == "EACCES"
    assert caught.value.filename == text
    assert tree(outside) == before


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("way", ["absolute", "relative", "sub/relative", "chain"])
def test_names_behind_a_planted_link(
    directory: HostDirectory, outside: Path, way: str
) -> None:
    before = tree(outside)
    directory.close(directory.open(parse("mine"), WRITE | CREATE))
    calls: list[Callable[[], object]] = [
        lambda: directory.lstat(parse(f"{way}/secret")),
        lambda: directory.readlink(parse(f"{way}/secret")),
        lambda: directory.mkdir(parse(f"{way}/new")),
        lambda: directory.rmdir(parse(f"{way}/secret")),
        lambda: directory.unlink(parse(f"{way}/secret")),
        lambda: directory.symlink("x", parse(f"{way}/new")),
        lambda: directory.rename(parse(f"{way}/secret"), parse("stolen")),
        lambda: directory.rename(parse("mine"), parse(f"{way}/secret")),
        lambda: directory.link(parse(f"{way}/secret"), parse("stolen")),
        lambda: directory.link(parse("mine"), parse(f"{way}/new")),
    ]
    for call in calls:
        with pytest.raises(LeavesMountError):
            call()
    assert tree(outside) == before


@pytest.mark.usefixtures("planted")
def test_a_planted_link_itself_is_an_entry_like_any_other(
    directory: HostDirectory, host: Path, outside: Path
) -> None:
    assert directory.lstat(parse("relative")).is_symlink
    assert directory.readlink(parse("relative")) == "../outside"
    directory.rename(parse("relative"), parse("renamed"))
    directory.link(parse("file"), parse("sub/second"))
    assert (host / "sub" / "second").is_symlink()
    directory.close(directory.open(parse("mine"), WRITE | CREATE))
    directory.rename(parse("mine"), parse("file"))
    assert not (host / "file").is_symlink()
    directory.unlink(parse("renamed"))
    assert (outside / "secret").read_text() == "secret"


def test_loops_and_long_chains(directory: HostDirectory, host: Path) -> None:
    (host / "a").symlink_to("b")
    (host / "b").symlink_to("a")
    (host / "self").symlink_to("self/x")
    (host / "0").mkdir()
    for number in range(60):
        (host / str(number + 1)).symlink_to(str(number))
    for text in ("a", "a/x", "self", "self/y", "60", "60/x", "41"):
        with pytest.raises(HostError) as caught:
            directory.stat(parse(text))
        assert caught.value.code == "ELOOP"
    assert directory.stat(parse("30")).is_directory


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/etc/passwd",
        "//etc",
        "..",
        "../outside",
        "./../outside",
        ".//..//outside",
        "sub/..",
        "sub/../../outside",
        "sub/../file",
        "../mounted/file",
        "..\udce9/../..",
    ],
)
def test_no_leaving_link_is_made_at_the_root(
    directory: HostDirectory, host: Path, target: str
) -> None:
    with pytest.raises(LeavesMountError) as caught:
        directory.symlink(target, parse("link"))
    assert caught.value.code == "EACCES"
    assert not os.path.lexists(host / "link")


@pytest.mark.parametrize(
    ("target", "code"),
    [("", "ENOENT"), ("a\0b", "EINVAL"), ("\ud800", "EILSEQ"), ("a" * 4096, None)],
)
def test_targets_that_are_none(
    directory: HostDirectory, target: str, code: str | None
) -> None:
    with pytest.raises(VfsError) as caught:
        directory.symlink(target, parse("link"))
    assert caught.value.code == (code or "ENAMETOOLONG")


def test_depth_is_that_of_the_real_directory(
    directory: HostDirectory, host: Path
) -> None:
    (host / "a" / "b").mkdir(parents=True)
    directory.symlink("a/b", parse("deep"))
    directory.symlink("..", parse("a/up"))
    directory.symlink("../../file", parse("deep/stays"))
    assert (host / "a" / "b" / "stays").is_symlink()
    for target, text in (
        ("../../../x", "deep/leaves"),
        ("../x", "a/up/leaves"),
        ("../../../x", "a/up/a/b/leaves"),
    ):
        with pytest.raises(LeavesMountError):
            directory.symlink(target, parse(text))


def test_a_link_cannot_be_moved_to_where_it_leaves(
    directory: HostDirectory, host: Path
) -> None:
    (host / "a" / "b").mkdir(parents=True)
    directory.symlink("../../file", parse("a/b/link"))
    for target in ("link", "a/link"):
        with pytest.raises(LeavesMountError) as caught:
            directory.rename(parse("a/b/link"), parse(target))
        assert caught.value.filename == target
        with pytest.raises(LeavesMountError):
            directory.link(parse("a/b/link"), parse(target))
        assert not os.path.lexists(host / target)
    directory.mkdir(parse("a/c"))
    directory.rename(parse("a/b/link"), parse("a/c/link"))
    directory.link(parse("a/c/link"), parse("a/b/link"))


def test_a_directory_cannot_be_lifted_so_that_links_in_it_leave(
    directory: HostDirectory, host: Path
) -> None:
    (host / "a" / "b" / "c" / "d").mkdir(parents=True)
    (host / "a" / "b" / "c" / "other").touch()
    directory.symlink("../../../../file", parse("a/b/c/d/link"))
    for source, target in (("a/b/c/d", "d"), ("a/b", "b"), ("a/b/c", "a/c")):
        with pytest.raises(LeavesMountError):
            directory.rename(parse(source), parse(target))
    assert os.path.lexists(host / "a" / "b" / "c" / "d" / "link")
    directory.rename(parse("a/b/c"), parse("a/b/e"))
    directory.unlink(parse("a/b/e/d/link"))
    directory.symlink("../../file", parse("a/b/e/d/link"))
    directory.rename(parse("a/b"), parse("b"))
    directory.rename(parse("b/e"), parse("e"))
    with pytest.raises(LeavesMountError):
        directory.rename(parse("e/d"), parse("d"))


def test_absolute_links_of_the_host_do_not_hinder_a_move(
    directory: HostDirectory, host: Path
) -> None:
    (host / "a" / "b").mkdir(parents=True)
    (host / "a" / "b" / "link").symlink_to("/etc")
    directory.rename(parse("a/b"), parse("b"))
    assert str((host / "b" / "link").readlink()) == "/etc"
