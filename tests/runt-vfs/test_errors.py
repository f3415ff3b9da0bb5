import errno
import pickle

import pytest

import runt_vfs
from runt_vfs import (
    DuplicateMountError,
    HostError,
    LeavesMountError,
    LimitError,
    NotMountedError,
    ReadOnlyError,
    RequestError,
    SpecialFileError,
    VfsError,
)

EXAMPLES = [
    ReadOnlyError("a"),
    LeavesMountError(),
    SpecialFileError("a"),
    HostError(errno.ENOSPC, "a"),
    RequestError(errno.EBADF),
    LimitError(errno.EMFILE, "Too many", "a"),
    NotMountedError("/mnt/a"),
    DuplicateMountError("/srv"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_a_pipe(error: VfsError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is type(error)
    assert (again.errno, again.filename) == (error.errno, error.filename)
    assert str(again) == str(error)
    assert again.code == error.code


def test_every_error_is_an_os_error_of_ours() -> None:
    errors = [
        value
        for value in vars(runt_vfs).values()
        if isinstance(value, type) and issubclass(value, BaseException)
    ]
    assert len(errors) > len(EXAMPLES)
    assert all(issubclass(error, VfsError) for error in errors)
    assert issubclass(VfsError, OSError)


def test_our_no_and_the_systems_no_are_told_apart() -> None:
    ours, the_systems = ReadOnlyError("a"), HostError(errno.EACCES, "a")
    assert ours.errno == the_systems.errno
    assert isinstance(ours, PermissionError)
    assert not isinstance(the_systems, PermissionError)
    assert str(ours) != str(the_systems)


def test_the_symbolic_name_is_the_same_everywhere() -> None:
    assert HostError(errno.ENOTEMPTY).code == "ENOTEMPTY"
    assert HostError(987654).code == "EIO"
