import copy
import errno
import pickle

import pytest

from runt_vfs import GuestPath, LeavesMountError, LimitError, Limits, RequestError


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("", "."),
        (".", "."),
        ("a", "a"),
        ("a/b", "a/b"),
        ("a//b/./c/", "a/b/c"),
        ("a/../b", "b"),
        ("a/..", "."),
        ("/", "/"),
        ("//", "/"),
        ("/..", "/"),
        ("/../a/../../b", "/b"),
        ("/mnt/x/y", "/mnt/x/y"),
        ("...", "..."),
        ("a\\b", "a\\b"),
        (" ", " "),
    ],
)
def test_a_path_is_read_by_its_words(text: str, spelled: str) -> None:
    path = GuestPath.parse(text)
    assert str(path) == spelled
    assert path.is_absolute == text.startswith("/")
    assert path.is_root == (spelled in (".", "/"))
    assert GuestPath.parse(spelled) == path


@pytest.mark.parametrize("text", ["..", "../a", "a/../..", "a/../../a", "./.."])
def test_a_relative_path_cannot_climb(text: str) -> None:
    with pytest.raises(LeavesMountError) as caught:
        GuestPath.parse(text)
    assert caught.value.errno == errno.EACCES


@pytest.mark.parametrize(
    ("text", "error", "number"),
    [
        ("a\0b", RequestError, errno.EINVAL),
        ("\ud800", RequestError, errno.EILSEQ),
        ("a" * 21, LimitError, errno.ENAMETOOLONG),
        ("é" * 11, LimitError, errno.ENAMETOOLONG),
        ("a/a/a/a", LimitError, errno.ENAMETOOLONG),
    ],
)
def test_what_no_path_can_be(text: str, error: type[OSError], number: int) -> None:
    with pytest.raises(error) as caught:
        GuestPath.parse(text, Limits(max_path_bytes=20, max_components=3))
    assert caught.value.errno == number


def test_longest_path_that_is_allowed() -> None:
    limits = Limits(max_path_bytes=5, max_components=3)
    assert GuestPath.parse("a/b/c", limits).parts == ("a", "b", "c")


def test_only_the_parser_makes_one() -> None:
    with pytest.raises(TypeError):
        GuestPath()
    with pytest.raises(AttributeError):
        GuestPath.parse("a").parts = ("..",)  # pyright: ignore[reportAttributeAccessIssue] - that is the test


def test_bytes_that_are_no_text_are_kept() -> None:
    assert GuestPath.parse("caf\udce9").parts == ("caf\udce9",)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0", "\ud800"])
def test_a_child_has_one_plain_name(name: str) -> None:
    with pytest.raises(RequestError):
        GuestPath.parse("a").child(name)


def test_a_child_lies_below() -> None:
    assert GuestPath.parse("a").child("b") == GuestPath.parse("a/b")


def test_it_is_a_value() -> None:
    path = GuestPath.parse("/a/b")
    assert pickle.loads(pickle.dumps(path)) == path  # noqa: S301 - our own bytes
    assert copy.deepcopy(path) == path
    assert len({path, GuestPath.parse("/a//b")}) == 1
