import contextlib
from pathlib import PurePosixPath, PureWindowsPath

from hypothesis import given, settings
from hypothesis import strategies as st

from runt_vfs import GuestPath, LeavesMountError, MountTable

# Few and awkward characters, so that names meet.
PART = st.text(st.sampled_from("ab_-2é😀 ."), min_size=1, max_size=5).filter(
    lambda part: part not in (".", "..")
)
DIRECTORY = st.lists(PART, max_size=3).map(lambda parts: "/" + "/".join(parts))
DIRECTORIES = st.lists(
    DIRECTORY.map(PurePosixPath)
    | DIRECTORY.map(lambda path: PureWindowsPath("C:" + path.replace("/", "\\"))),
    max_size=8,
    unique_by=lambda path: str(path).rstrip(". "),
)
GUEST_TEXT = st.text(st.sampled_from("ab/.-_é"), max_size=30)


@settings(deadline=None)
@given(DIRECTORIES)
def test_no_two_names_or_aliases_are_the_same(
    directories: list[PurePosixPath | PureWindowsPath],
) -> None:
    table = MountTable(directories)
    found = [mount.name for mount in table.mounts]
    found += [mount.alias for mount in table.mounts if mount.alias]
    assert len(set(found)) == len(found)
    assert not any("/" in name or "\\" in name for name in found)
    assert table.names == tuple(found[: len(directories)])


@settings(deadline=None)
@given(DIRECTORIES)
def test_names_follow_from_the_list(
    directories: list[PurePosixPath | PureWindowsPath],
) -> None:
    assert MountTable(directories).mounts == MountTable(iter(directories)).mounts


@settings(deadline=None)
@given(DIRECTORIES, GUEST_TEXT)
def test_names_and_aliases_lead_to_their_directory_and_back(
    directories: list[PurePosixPath | PureWindowsPath], text: str
) -> None:
    table = MountTable(directories)
    with contextlib.suppress(LeavesMountError):
        relative = GuestPath.parse(text.lstrip("/"))
        for mount in table.mounts:
            for name in filter(None, (mount.name, mount.alias)):
                virtual = GuestPath.parse(f"/mnt/{name}/{relative}")
                assert table.resolve(virtual) == (mount, relative)
            assert table.resolve(table.guest_path(mount, relative)) == (mount, relative)


@settings(deadline=None)
@given(st.text(st.sampled_from("ab/."), max_size=40))
def test_a_parsed_path_holds_plain_names_only(text: str) -> None:
    with contextlib.suppress(LeavesMountError):
        path = GuestPath.parse(text)
        assert not {"", ".", ".."} & set(path.parts)
        assert not any("/" in part for part in path.parts)
        assert GuestPath.parse(str(path)) == path


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "..", "."]), max_size=12))
def test_absolute_paths_are_read_as_posix_reads_them(parts: list[str]) -> None:
    expected: list[str] = []
    for part in parts:
        if part == "..":
            del expected[-1:]
        elif part != ".":
            expected.append(part)
    assert GuestPath.parse("/" + "/".join(parts)).parts == tuple(expected)
