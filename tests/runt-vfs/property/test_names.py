import ntpath
import os
import posixpath
import re
import string
from pathlib import PurePosixPath, PureWindowsPath

from hypothesis import given
from hypothesis import strategies as st

from runt_vfs import alias_name, mount_name

ANY_TEXT = st.text(st.characters(exclude_categories=()))
PARTS = st.lists(
    st.text(st.sampled_from(string.ascii_letters + "-_. é😀~"), min_size=1, max_size=6)
    | st.sampled_from([".", ".."]),
    max_size=5,
)


@given(ANY_TEXT)
def test_a_name_is_one_plain_path_component(host_path: str) -> None:
    for name in (
        mount_name(host_path),
        mount_name(PurePosixPath(host_path)),
        mount_name(PureWindowsPath(host_path)),
    ):
        assert re.fullmatch("[A-Za-z0-9_]+", name)


@given(ANY_TEXT)
def test_an_alias_is_one_path_component(host_path: str) -> None:
    assert re.fullmatch("[A-Za-z0-9_-]+", alias_name(host_path))


@given(ANY_TEXT)
def test_a_name_is_as_long_as_the_path(host_path: str) -> None:
    absolute = os.path.abspath(host_path)  # noqa: PTH100 - Path keeps `..`
    extra = absolute.startswith("//")
    assert len(mount_name(host_path)) == len(absolute) - extra


@given(PARTS)
def test_every_spelling_of_a_posix_path_has_one_name(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    name = mount_name(path)
    assert mount_name(path) == name
    assert mount_name(posixpath.normpath(path)) == name
    assert mount_name(path.replace("/", "//")) == name
    assert mount_name(f"{path}/.") == mount_name(f"{path}/") == name
    assert mount_name(f"{path}/x/..") == name
    assert mount_name(PurePosixPath(posixpath.normpath(path))) == name


@given(st.sampled_from(string.ascii_uppercase), PARTS)
def test_every_spelling_of_a_windows_path_has_one_name(
    drive: str, parts: list[str]
) -> None:
    path = f"{drive}:\\" + "\\".join(parts)
    name = mount_name(PureWindowsPath(path))
    assert name.startswith(f"{drive}__")
    assert mount_name(PureWindowsPath(ntpath.normpath(path))) == name
    assert mount_name(PureWindowsPath(path.replace("\\", "/"))) == name
    assert mount_name(PureWindowsPath(path, "x", "..")) == name


@given(PARTS)
def test_name_and_alias_differ_in_hyphens_only(parts: list[str]) -> None:
    path = "/" + "/".join(parts).replace("😀", "")
    assert alias_name(path).replace("-", "_") == mount_name(path)


@given(PARTS)
def test_a_name_is_named_by_itself(parts: list[str]) -> None:
    name = mount_name("/" + "/".join(parts))
    assert mount_name(f"/{name}") == f"_{name}"
