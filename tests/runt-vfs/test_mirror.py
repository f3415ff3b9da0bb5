import errno
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runt_vfs import (
    DirectoryEntry,
    GuestPath,
    HostDirectory,
    Limits,
    MirrorError,
    OutputMirror,
    _system,
)

Run = Callable[..., OutputMirror]


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    (tmp_path / "staging").mkdir()
    return tmp_path / "staging"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "output").mkdir()
    return tmp_path / "output"


@pytest.fixture
def mirror(staging: Path, output: Path) -> OutputMirror:
    return OutputMirror(staging, output)


def contents(root: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = path.readlink()
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def failures_of(mirror: OutputMirror) -> dict[str, str]:
    with pytest.raises(MirrorError) as caught:
        mirror.sync()
    return {failure.guest_path: failure.error.code for failure in caught.value.failures}


def test_structure_is_kept(mirror: OutputMirror, staging: Path, output: Path) -> None:
    (staging / "analysis" / "deep").mkdir(parents=True)
    (staging / "empty").mkdir()
    (staging / "results.csv").write_text("a,b\n")
    (staging / "plot.png").write_bytes(bytes(range(256)) * 10_000)
    (staging / "analysis" / "summary.txt").write_text("fine")
    (staging / "analysis" / "deep" / "café 😀").touch()
    (staging / "latest").symlink_to("analysis/summary.txt")
    assert sorted(mirror.sync()) == [
        "analysis/deep/café 😀",
        "analysis/summary.txt",
        "latest",
        "plot.png",
        "results.csv",
    ]
    assert contents(output) == contents(staging)
    assert (output / "plot.png").stat().st_mtime_ns == (
        staging / "plot.png"
    ).stat().st_mtime_ns


def test_only_what_changed_is_copied(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    (staging / "d").mkdir()
    (staging / "d" / "a").write_text("a")
    (staging / "b").write_text("b")
    (staging / "l").symlink_to("b")
    mirror.sync()
    before = {path: path.lstat() for path in output.rglob("*")}
    assert mirror.sync() == ()
    assert {path: path.lstat() for path in output.rglob("*")} == before
    (staging / "b").write_text("B")
    assert mirror.sync() == ("b",)
    assert (output / "d" / "a").stat() == before[output / "d" / "a"]
    (staging / "l").unlink()
    (staging / "l").symlink_to("d")
    assert mirror.sync() == ("l",)
    assert (output / "l").readlink() == Path("d")


def test_a_change_cannot_hide_behind_a_forged_time(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    for content in ("one", "two", "six"):
        (staging / "a").write_text(content)
        os.utime(staging / "a", ns=(0, 0))
        assert mirror.sync() == ("a",)
        assert (output / "a").read_text() == content


def test_a_file_is_read_when_a_later_change_would_show(
    mirror: OutputMirror, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(_system, "sleep", slept.append)
    written = 0
    for name in ("a", "b"):
        (staging / name).write_text(name)
        written = max(written, (staging / name).stat().st_ctime_ns)
    monkeypatch.setattr(_system, "now_ns", lambda: written + 9_000_000)
    mirror.sync()
    assert slept == [0.01], "one wait is enough for both"
    monkeypatch.setattr(_system, "now_ns", lambda: written + 11_000_000)
    (staging / "a").rename(staging / "c")
    os.utime(staging / "b")
    written = (staging / "b").stat().st_ctime_ns
    assert sorted(mirror.sync()) == ["b", "c"]
    assert slept == [0.01]


def test_what_is_deleted_stays_in_the_output(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    (staging / "d").mkdir()
    (staging / "d" / "a").write_text("a")
    (output / "mine").write_text("mine")
    mirror.sync()
    (staging / "d" / "a").unlink()
    (staging / "d").rmdir()
    assert mirror.sync() == ()
    assert contents(output) == {"d": None, "d/a": b"a", "mine": b"mine"}
    (staging / "d").mkdir()
    (staging / "d" / "a").write_text("new")
    assert mirror.sync() == ("d/a",)


def test_an_interrupted_run_goes_on_where_it_was(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    for name in ("a", "b"):
        (staging / name).write_text(name)
    (staging / "l").symlink_to("a")
    mirror.sync()
    (output / "b").unlink()
    assert OutputMirror(staging, output).sync() == ("b",)
    (staging / "l").unlink()
    (staging / "l").write_text("a file now")
    (staging / "a").unlink()
    (staging / "a").symlink_to("b")
    assert sorted(OutputMirror(staging, output).sync()) == ["a", "l"]
    assert contents(output) == contents(staging)


def test_a_directory_that_the_user_removed_is_made_again(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    (staging / "d" / "e").mkdir(parents=True)
    (staging / "d" / "e" / "a").write_text("a")
    mirror.sync()
    (output / "d" / "e" / "a").unlink()
    (output / "d" / "e").rmdir()
    (output / "d").rmdir()
    (staging / "d" / "e" / "b").write_text("b")
    assert mirror.sync() == ("d/e/b",)


def test_an_output_directory_that_is_missing(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    output.rmdir()
    assert mirror.sync() == ()
    (staging / "d").mkdir()
    for name in ("a", "d/b"):
        (staging / name).write_text(name)
    assert failures_of(mirror) == {"a": "ENOENT", "d/b": "ENOENT"}
    output.write_text("in the way")
    assert failures_of(mirror) == {"a": "ENOTDIR", "d/b": "ENOTDIR"}
    output.unlink()
    output.mkdir()
    assert sorted(mirror.sync()) == ["a", "d/b"]
    assert mirror.sync() == ()


def test_an_output_directory_that_was_replaced_gets_everything(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    (staging / "a").write_text("a")
    mirror.sync()
    output.rename(output.with_name("old"))
    output.mkdir()
    assert mirror.sync() == ("a",)


def test_a_staging_directory_that_is_missing(
    mirror: OutputMirror, staging: Path
) -> None:
    staging.rmdir()
    with pytest.raises(FileNotFoundError):
        mirror.sync()


def test_the_error_names_the_files_and_the_others_are_copied(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    (staging / "good").write_text("good")
    (staging / "becomes-directory").write_text("file")
    (output / "becomes-directory").mkdir()
    (staging / "becomes-file").mkdir()
    (staging / "becomes-file" / "inner").write_text("inner")
    (output / "becomes-file").write_text("file")
    os.mkfifo(staging / "fifo")
    (staging / ".runt-partial-x").touch()
    with pytest.raises(MirrorError) as caught:
        mirror.sync()
    error = caught.value
    assert error.copied == ("good",)
    assert {failure.guest_path: failure.error.code for failure in error.failures} == {
        "becomes-directory": "EISDIR",
        "becomes-file": "EEXIST",
        "becomes-file/inner": "EEXIST",
        "fifo": "EACCES",
        ".runt-partial-x": "EINVAL",
    }
    assert "becomes-directory (Is a directory)" in str(error)
    assert str(output) not in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - ours
    assert failures_of(mirror).keys() == {f.guest_path for f in error.failures}
    (output / "becomes-directory").rmdir()
    with pytest.raises(MirrorError) as caught:
        mirror.sync()
    assert caught.value.copied == ("becomes-directory",)
    assert not list(output.rglob(".runt-partial-*"))


def test_the_error_stays_readable(staging: Path, output: Path) -> None:
    for number in range(5):
        (staging / str(number)).touch()
        (output / str(number)).mkdir()
    with pytest.raises(MirrorError) as caught:
        OutputMirror(staging, output, Limits(max_named_failures=2)).sync()
    assert str(caught.value).count("Is a directory") == 2
    assert "and 3 more" in str(caught.value)


def test_no_copy_leaves_the_output_through_a_link(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    elsewhere = output.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("theirs")
    (output / "d").symlink_to(elsewhere)
    (output / "file").symlink_to(elsewhere / "file")
    (staging / "d").mkdir()
    (staging / "d" / "new").write_text("new")
    (staging / "file").write_text("mine")
    assert failures_of(mirror) == {"d": "EACCES", "d/new": "EACCES"}
    assert contents(elsewhere) == {"file": b"theirs"}
    assert not (output / "file").is_symlink()
    assert (output / "file").read_text() == "mine"


def test_a_loop_in_the_output_is_named(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    (output / "d").symlink_to("d")
    (staging / "d").mkdir()
    (staging / "d" / "new").touch()
    assert failures_of(mirror) == {"d": "ELOOP", "d/new": "ELOOP"}


def test_no_link_that_leaves_is_copied(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    (staging / "absolute").symlink_to("/etc/passwd")
    (staging / "relative").symlink_to("../secret")
    assert failures_of(mirror) == {"absolute": "EACCES", "relative": "EACCES"}
    assert contents(output) == {}


def test_links_below_the_staging_directory_are_not_walked(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    (staging / "d").mkdir()
    (staging / "d" / "up").symlink_to("..")
    assert mirror.sync() == ("d/up",)
    assert contents(output) == contents(staging)


def test_a_file_that_never_keeps_still_keeps_its_last_whole_version(
    mirror: OutputMirror, staging: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (staging / "a").write_text("whole")
    mirror.sync()
    real, changes = HostDirectory.pread, 99

    def pread(self: HostDirectory, handle: int, size: int, offset: int) -> bytes:
        nonlocal changes
        data = real(self, handle, size, offset)
        if changes:
            changes -= 1
            with (staging / "a").open("a") as file:
                file.write("more")
        return data

    monkeypatch.setattr(HostDirectory, "pread", pread)
    (staging / "a").write_text("second")
    assert failures_of(mirror) == {"a": "EAGAIN"}
    assert contents(output) == {"a": b"whole"}
    changes = 1
    assert mirror.sync() == ("a",)
    assert (output / "a").read_bytes() == (staging / "a").read_bytes()


def test_a_file_that_is_cut_while_it_is_copied(
    mirror: OutputMirror, staging: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (staging / "a").write_text("0123456789")
    real, sizes = HostDirectory.pread, [3]

    def pread(self: HostDirectory, handle: int, size: int, offset: int) -> bytes:
        if sizes:
            os.truncate(staging / "a", sizes.pop())
        return real(self, handle, size, offset)

    monkeypatch.setattr(HostDirectory, "pread", pread)
    assert mirror.sync() == ("a",)
    assert contents(output) == {"a": b"012"}


def test_what_vanishes_while_it_is_mirrored_is_no_failure(
    mirror: OutputMirror, staging: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (staging / "d").mkdir()
    (staging / "gone").mkdir()
    for name in ("a", "b", "d/c"):
        (staging / name).write_text(name)
    listing = HostDirectory.readdir

    def readdir(self: HostDirectory, path: GuestPath) -> tuple[DirectoryEntry, ...]:
        entries = listing(self, path)
        if self.is_read_only:  # the staging directory's
            (staging / "a").unlink(missing_ok=True)
            if path.is_root:
                (staging / "gone").rmdir()
            else:
                (staging / "d" / "c").unlink()
        return entries

    monkeypatch.setattr(HostDirectory, "readdir", readdir)
    assert mirror.sync() == ("b",)
    assert (output / "b").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_refuses_leaves_the_old_version(
    mirror: OutputMirror,
    staging: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    (staging / "a").write_text("old")
    mirror.sync()
    (staging / "a").write_text("new")

    def fail(*_arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(_system, "fsync", fail)
        assert failures_of(mirror) == {"a": errno.errorcode[number]}
        patched.undo()
        patched.setattr(_system.Writer, "pwrite", fail)
        assert failures_of(mirror) == {"a": errno.errorcode[number]}
        assert contents(output) == {"a": b"old"}
    assert mirror.sync() == ("a",)


def test_names_that_may_be_lost_are_a_failure(
    mirror: OutputMirror, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (staging / "l").symlink_to("a")

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(_system, "fsync", fail)
    assert failures_of(mirror) == {".": "EIO"}


def run_in_a_child(staging: Path, output: Path, before: str) -> subprocess.Popen[str]:
    program = f"""
        import resource, signal, time
        from runt_vfs import Limits, MirrorError, OutputMirror, _system
        {before}
        try:
            OutputMirror({str(staging)!r}, {str(output)!r}).sync()
        except MirrorError as error:
            print(error.copied, error.failures[0].error.code)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_full_disk(staging: Path, output: Path) -> None:
    (staging / "large").write_bytes(bytes(200_000))
    (staging / "small").write_bytes(b"small")
    (output / "large").write_bytes(b"old")
    limited = "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    printed, _ = run_in_a_child(staging, output, limited).communicate()
    assert printed == "('small',) EFBIG\n"
    assert contents(output) == {"large": b"old", "small": b"small"}


@pytest.mark.parametrize("killed_at", ["pwrite", "utime", "rename"])
def test_a_process_that_is_killed_while_it_copies(
    staging: Path, output: Path, killed_at: str
) -> None:
    (staging / "a").write_bytes(b"new" * 1_000_000)
    (output / "a").write_bytes(b"old")
    # It stops where it would go on, and says so.
    stopping = (
        f"_system.Writer.{killed_at} = "
        "lambda *_: print('here', flush=True) or time.sleep(60)"
    )
    child = run_in_a_child(staging, output, stopping)
    assert child.stdout is not None
    assert child.stdout.readline() == "here\n"
    child.kill()
    child.communicate()
    assert (output / "a").read_bytes() == b"old"
    [partial] = output.glob(".runt-partial-*")
    assert OutputMirror(staging, output).sync() == ("a",)
    assert partial.exists(), "it could belong to a process that lives"
    assert OutputMirror(staging, output, Limits(stale_partial_s=0)).sync() == ()
    assert contents(output) == contents(staging)


def test_nobody_sees_half_a_file(
    mirror: OutputMirror, staging: Path, output: Path
) -> None:
    seen: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for path in output.glob("[!.]*"):
                content = path.read_bytes()
                seen.add(content[:1] + content[-1:] + bytes([len(content) % 256]))

    reader = threading.Thread(target=look)
    reader.start()
    start, number = time.monotonic(), 0
    # On a slow disk the reader may need long to see both.
    while (passed := time.monotonic() - start) < 10 and (passed < 0.5 or len(seen) < 2):
        number += 1
        (staging / "a").write_bytes(bytes([65 + number % 2]) * 300_000)
        mirror.sync()
    over.set()
    reader.join()
    assert seen <= {b"AA\xe0", b"BB\xe0"}
    assert len(seen) == 2
