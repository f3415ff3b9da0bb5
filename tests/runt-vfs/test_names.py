import os
from collections.abc import Generator
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from pyfakefs.fake_filesystem import FakeFilesystem, OSType
from pyfakefs.fake_filesystem_unittest import Patcher

from runt_vfs import alias_name, mount_name


@pytest.mark.parametrize(
    ("host_path", "name"),
    [
        # The examples that users of Runt know.
        ("/home/user/data", "_home_user_data"),
        ("/Users/john/projects", "_Users_john_projects"),
        ("/home/user/datasets", "_home_user_datasets"),
        ("/home/user/analysis-scripts", "_home_user_analysis_scripts"),
        ("/", "_"),
        ("//", "_"),
        ("///srv", "_srv"),
        ("//srv", "_srv"),
        ("/srv/", "_srv"),
        ("/srv/./x/../y", "_srv_y"),
        ("/..", "_"),
        ("/a b.c", "_a_b_c"),
        ("/été", "__t_"),
        ("/データ/😀", "______"),
        ("/a\nb\0c", "_a_b_c"),
        ("/a\\b", "_a_b"),
    ],
)
def test_posix_paths(host_path: str, name: str) -> None:
    assert mount_name(PurePosixPath(host_path)) == name
    assert mount_name(host_path) == name


@pytest.mark.parametrize(
    ("host_path", "name"),
    [
        (r"C:\Users\x", "C__Users_x"),
        ("C:/Users/x", "C__Users_x"),
        ("C:\\", "C__"),
        ("C:/", "C__"),
        (r"D:\a\..\b-c\.", "D__b_c"),
        (r"\\server\share\data", "__server_share_data"),
        (r"\\?\C:\long", "____C__long"),
    ],
)
def test_windows_paths_on_any_system(host_path: str, name: str) -> None:
    assert mount_name(PureWindowsPath(host_path)) == name


@pytest.mark.parametrize(
    ("host_path", "alias"),
    [
        ("/home/user/data", "_home_user_data"),
        ("/home/user/analysis-scripts", "_home_user_analysis-scripts"),
        ("/a-b/../c-d", "_c-d"),
        ("/été", "__t_"),
        # JavaScript counts an emoji as two characters.
        ("/😀-x", "___-x"),
        ("/\ud83d", "__"),
    ],
)
def test_the_alias_is_spelled_as_the_typescript_agent_does(
    host_path: str, alias: str
) -> None:
    assert alias_name(host_path) == alias


def test_a_windows_path_has_an_alias_too() -> None:
    assert alias_name(PureWindowsPath(r"C:\my-data")) == "C__my-data"


def test_a_relative_path_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert mount_name("data") == mount_name(tmp_path / "data")
    assert mount_name(Path("../x")) == mount_name(tmp_path.parent / "x")
    assert mount_name(".") == mount_name(tmp_path) == mount_name("")


def test_a_symlink_is_named_as_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert mount_name(tmp_path / "link") == mount_name(tmp_path) + "_link"


def test_a_name_that_is_no_unicode_still_has_one(tmp_path: Path) -> None:
    undecodable = os.fsdecode(b"caf\xe9")
    assert mount_name(tmp_path / undecodable) == mount_name(tmp_path) + "_caf_"


@pytest.fixture(params=[OSType.WINDOWS, OSType.LINUX, OSType.MACOS])
def fake_system(request: pytest.FixtureRequest) -> Generator[FakeFilesystem]:
    with Patcher() as patcher:
        assert patcher.fs
        patcher.fs.os = request.param
        yield patcher.fs


def test_every_system_names_its_own_tree(fake_system: FakeFilesystem) -> None:
    separator = fake_system.path_separator
    root = "C:\\" if fake_system.os is OSType.WINDOWS else "/"
    home = f"{root}home{separator}my-data"
    Path(home).mkdir(parents=True)
    os.chdir(home)
    root_name = mount_name(root)
    assert root_name == {"C:\\": "C__", "/": "_"}[root]
    assert mount_name(home) == mount_name(".") == f"{root_name}home_my_data"
    assert mount_name(f"..{separator}x") == f"{root_name}home_x"
    assert alias_name(home) == f"{root_name}home_my-data"
