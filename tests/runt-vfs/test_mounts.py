from pathlib import PurePosixPath, PureWindowsPath

import pytest
from pyfakefs.fake_filesystem import FakeFilesystem, OSType
from pyfakefs.fake_filesystem_unittest import Patcher

from runt_vfs import DuplicateMountError, GuestPath, MountTable, NotMountedError


def names(*host_paths: str) -> tuple[str, ...]:
    return MountTable(PurePosixPath(path) for path in host_paths).names


def test_each_directory_has_its_name() -> None:
    table = MountTable(["/home/user/data", "/home/user/analysis-scripts"])
    assert table.names == ("_home_user_data", "_home_user_analysis_scripts")
    assert [mount.alias for mount in table.mounts] == [
        None,
        "_home_user_analysis-scripts",
    ]
    assert str(table.mounts[0].guest_path) == "/mnt/_home_user_data"


@pytest.mark.parametrize(
    ("host_paths", "expected"),
    [
        (["/a-b", "/a_b"], ("_a_b", "_a_b_2")),
        (["/a_b", "/a-b", "/a b"], ("_a_b", "_a_b_2", "_a_b_3")),
        # The suffix keeps clear of a name that comes later.
        (["/a-b", "/a_b", "/a_b_2"], ("_a_b", "_a_b_3", "_a_b_2")),
        (["/a_b_2", "/a-b", "/a_b"], ("_a_b_2", "_a_b", "_a_b_3")),
        (["/", "/_"], ("_", "__")),
    ],
)
def test_the_later_one_gets_a_suffix(
    host_paths: list[str], expected: tuple[str, ...]
) -> None:
    assert names(*host_paths) == expected


def test_aliases_are_told_apart_as_well() -> None:
    first, second = MountTable(
        [PurePosixPath("/a-é"), PurePosixPath("/a-ü")],
    ).mounts
    assert (first.name, first.alias) == ("_a__", "_a-_")
    assert (second.name, second.alias) == ("_a___2", "_a-__2")


def test_a_name_comes_before_an_alias_of_an_earlier_directory() -> None:
    # JavaScript counts an emoji as two characters.
    first, second = MountTable([PurePosixPath("/a😀"), PurePosixPath("/a__")]).mounts
    assert (first.name, first.alias) == ("_a_", "_a___2")
    assert (second.name, second.alias) == ("_a__", None)


@pytest.mark.parametrize("again", ["/srv", "/srv/", "/srv/x/..", "//srv"])
def test_a_directory_is_given_once(again: str) -> None:
    with pytest.raises(DuplicateMountError) as caught:
        MountTable(["/srv", "/etc", again])
    assert caught.value.filename == "/srv"


@pytest.mark.parametrize(
    ("text", "relative"),
    [
        ("/mnt/_srv_a_b", "."),
        ("/mnt/_srv_a_b/", "."),
        ("/mnt/_srv_a_b/x/y", "x/y"),
        ("/mnt/_srv_a-b/x/y", "x/y"),
        ("/mnt/_srv_a_b/x/../y", "y"),
        ("/mnt/other/../_srv_a_b/y", "y"),
    ],
)
def test_a_virtual_path_is_found_and_leads_back(text: str, relative: str) -> None:
    table = MountTable(["/srv/a-b", "/srv/c"])
    mount, path = table.resolve(GuestPath.parse(text))
    assert mount is table.mounts[0]
    assert str(path) == relative
    assert not path.is_absolute
    back = table.guest_path(mount, path)
    assert back == GuestPath.parse(f"/mnt/_srv_a_b/{relative}")
    assert table.resolve(back) == (mount, path)


@pytest.mark.parametrize(
    "text",
    [
        "/",
        "/mnt",
        "/mnt/",
        "/mnt/_other",
        "/mnt/_srv/../..",
        "/outputs/_srv",
        "/x/mnt/_srv",
        "/mnt/_SRV",
        "mnt/_srv",
        "_srv",
    ],
)
def test_what_lies_in_no_mount(text: str) -> None:
    with pytest.raises(NotMountedError) as caught:
        MountTable(["/srv"]).resolve(GuestPath.parse(text))
    assert caught.value.code == "ENOENT"


def test_windows_directories_are_named_anywhere() -> None:
    table = MountTable([PureWindowsPath(r"C:\Users\x"), PureWindowsPath(r"D:\my-data")])
    assert table.names == ("C__Users_x", "D__my_data")
    assert table.mounts[1].alias == "D__my-data"


@pytest.mark.parametrize(
    ("system", "given", "expected"),
    [
        (OSType.WINDOWS, [r"C:\Users\x", r"C:/Users/y"], ("C__Users_x", "C__Users_y")),
        (OSType.LINUX, ["/Users/x", "/Users/link"], ("_Users_x", "_Users_link")),
        (OSType.MACOS, ["/Users/x", "/Users/link"], ("_Users_x", "_Users_link")),
    ],
)
def test_links_on_the_disk_change_no_name(
    system: OSType, given: list[str], expected: tuple[str, ...]
) -> None:
    with Patcher() as patcher:
        tree = patcher.fs
        assert isinstance(tree, FakeFilesystem)
        tree.os = system
        before = MountTable(given).names
        tree.create_dir(given[0])  # pyright: ignore[reportUnknownMemberType] - half typed
        tree.create_symlink(given[1], given[0])  # pyright: ignore[reportUnknownMemberType] - half typed
        assert MountTable(given).names == before == expected
