"""Whatever a guest asks for ends in an answer or an error of ours."""

import contextlib
import inspect
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runt_vfs import (
    GuestPath,
    HostDirectory,
    Listing,
    OpenFlag,
    Operation,
    VfsError,
    open_host_directory,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
TEXT = (
    st.sampled_from(["", ".", "..", "f", "d", "d/f", "l", "away", "away/x", "fifo"])
    | ANY_TEXT
    | ANY_TEXT.map(lambda text: f"d/{text}/..")
)
NUMBER = (
    st.sampled_from([-1, 0, 1, 2, 0o777, 1 << 31, 1 << 63, 1 << 70]) | st.integers()
)
SIZE = st.integers(-2, 1 << 20) | NUMBER.filter(lambda number: not 0 < number < 1 << 63)
FLAGS = st.lists(st.sampled_from(OpenFlag), max_size=4).map(
    lambda flags: sum((flag.value for flag in flags), 0) & 0xFF
)
# By parameter, so that a new operation is tried or fails here.
ARGUMENTS: dict[str, st.SearchStrategy[object]] = {
    "guest_path": TEXT,
    "new_path": TEXT,
    "target": TEXT,
    "names": st.lists(TEXT, max_size=3),
    "handle": st.integers(0, 3) | NUMBER,
    "size": SIZE,
    "offset": SIZE,
    "data": st.binary(max_size=20),
    "flags": FLAGS.map(OpenFlag),
    "mode": st.sampled_from([0o700, 0o755, 0o4711, 0o7777, 1 << 40 | 0o700]),
    "atime_ns": NUMBER,
    "mtime_ns": NUMBER,
    "follow": st.booleans(),
}
PATHS = ("guest_path", "new_path")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def fill(place: Path) -> None:
    for name in ("f", "d/f"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).touch()
    with contextlib.suppress(FileExistsError):
        (place / "l").symlink_to("d/f")
    with contextlib.suppress(FileExistsError):
        (place / "away").symlink_to("/")
    with contextlib.suppress(FileExistsError):
        os.mkfifo(place / "fifo")


def asked(directory: HostDirectory, operation: Operation, data: st.DataObject) -> None:
    method = getattr(directory, operation.value)
    arguments: dict[str, object] = {}
    for name in inspect.signature(method).parameters:
        if name != "into":
            value = data.draw(ARGUMENTS[name], name)
            arguments[name] = GuestPath.parse(str(value)) if name in PATHS else value
    answer = method(**arguments)
    if isinstance(answer, Listing):
        answer.close()


@pytest.mark.parametrize("allow_writes", [True, False])
@settings(deadline=None)
@given(data=st.data())
def test_only_errors_of_ours(
    place: Path,
    allow_writes: bool,  # noqa: FBT001 - a parameter of the test
    data: st.DataObject,
) -> None:
    root = place / str(allow_writes)
    root.mkdir(exist_ok=True)
    with contextlib.suppress(OSError):
        fill(root)
    with open_host_directory(root, allow_writes=allow_writes) as directory:
        with contextlib.suppress(VfsError):
            directory.open(GuestPath.parse("f"), OpenFlag.READ)
        for operation in data.draw(st.lists(st.sampled_from(Operation), max_size=5)):
            try:
                asked(directory, operation, data)
            except VfsError as error:
                assert str(place) not in str(error)  # noqa: PT017 - not every call fails
