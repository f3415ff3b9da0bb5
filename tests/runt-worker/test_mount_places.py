"""What may be mounted beside what: a read-only directory has no back door."""

from pathlib import Path

import pytest

from runt_worker import HostMount, MountError
from runt_worker._files import open_files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("outer")
    return tmp_path


def read_only(path: Path) -> HostMount:
    return HostMount(host_path=path)


def writable(path: Path) -> HostMount:
    return HostMount(host_path=path, allow_writes=True)


@pytest.mark.parametrize("outer", ["outer", "link"])
def test_a_read_only_mount_may_not_lie_in_a_writable_one(
    tree: Path, outer: str
) -> None:
    mounts = (read_only(tree / "outer" / "inner"), writable(tree / outer))
    with pytest.raises(MountError, match="mount them apart"), open_files(mounts, None):
        pass


@pytest.mark.parametrize("output", ["outer", "link", "."])
def test_the_output_directory_may_not_lie_around_a_read_only_mount(
    tree: Path, output: str
) -> None:
    mounts = (read_only(tree / "outer" / "inner"),)
    with (
        pytest.raises(MountError, match="mount them apart"),
        open_files(mounts, tree / output),
    ):
        pass


def test_the_output_directory_may_not_lie_in_a_read_only_mount(tree: Path) -> None:
    mounts = (read_only(tree / "outer"),)
    with (
        pytest.raises(MountError, match="choose one outside"),
        open_files(mounts, tree / "link" / "new"),
    ):
        pass
    assert not (tree / "outer" / "new").exists()


def test_a_writable_mount_may_lie_in_a_read_only_one(tree: Path) -> None:
    mounts = (read_only(tree / "outer"), writable(tree / "outer" / "inner"))
    with open_files(mounts, None) as files:
        assert len(files.mounts) == 3


def test_what_cannot_be_mounted_is_named(tree: Path) -> None:
    with (
        pytest.raises(MountError, match=r"cannot mount .*missing"),
        open_files((read_only(tree / "missing"),), None),
    ):
        pass
    twice = (read_only(tree / "outer"), read_only(tree / "." / "outer"))
    with pytest.raises(MountError, match="outer"), open_files(twice, None):
        pass
