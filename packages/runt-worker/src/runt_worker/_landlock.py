"""Landlock: the kernel's own limits for a process, by the system calls of Linux.

A thread that restricts itself restricts what it starts and nothing else. So a process
is confined by being started from a thread that ends with that: no code runs between
fork and exec, where a program with threads must hardly do anything.

Source: Linux, Documentation/userspace-api/landlock.rst.
"""

import ctypes
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import IntFlag
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

ResultT = TypeVar("ResultT")

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1 << 0
"""Flag of the first call: asks for the version of the interface."""
_PATH_BENEATH: Final = 1
_SET_NO_NEW_PRIVS: Final = 38
"""Of prctl."""


class FileRight(IntFlag):
    """What may be done with a file, or with all that is below a directory."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


_OF_FILES: Final = (
    FileRight.EXECUTE
    | FileRight.WRITE_FILE
    | FileRight.READ_FILE
    | FileRight.TRUNCATE
    | FileRight.IOCTL_DEV
)
"""The others are those of directories, and not accepted for a file."""


class Rule(NamedTuple):
    """One place, and what may be done there.

    Attributes:
        path: a file or directory; one that is not there needs no rule.
        rights: what is allowed there and below.
        reason: why.
    """

    path: Path
    rights: FileRight
    reason: str


class Handled(NamedTuple):
    """What is denied unless a rule allows it, as the kernel takes it.

    Attributes:
        files: rights to files.
        network: to bind and to connect by TCP.
        scopes: to reach abstract sockets, and processes by signals.
    """

    files: int
    network: int
    scopes: int


def handled(abi: int) -> Handled:
    """Return all that a version of the interface can deny.

    Args:
        abi: the version, from 1.
    """
    newest = (
        FileRight.IOCTL_DEV
        if abi >= 5  # noqa: PLR2004 - as the kernel counts its versions
        else FileRight.TRUNCATE
        if abi >= 3  # noqa: PLR2004
        else FileRight.REFER
        if abi >= 2  # noqa: PLR2004
        else FileRight.MAKE_SYM
    )
    return Handled(
        files=newest * 2 - 1,
        network=0b11 if abi >= 4 else 0,  # noqa: PLR2004
        scopes=0b11 if abi >= 6 else 0,  # noqa: PLR2004
    )


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (
        ("allowed_access", ctypes.c_uint64),
        ("parent_fd", ctypes.c_int32),
    )


_SIZE_BY_ABI: Final = ((6, 24), (4, 16), (1, 8))
"""How many bytes of the attributes a version knows; it refuses more."""


def landlock_abi() -> int:
    """Return the version of Landlock that the running kernel has; 0: none."""
    if sys.platform != "linux":
        return 0
    try:
        return _system_call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


def run_confined(
    rules: Iterable[Rule], abi: int, start: Callable[[], ResultT]
) -> ResultT:
    """Call a function that starts a process, which then can do no more than this.

    The process gains no rights by executing anything, either (no_new_privs).

    Args:
        rules: what it may do with files. It may use no TCP, send no signal to other
            processes and reach no abstract socket, as far as the kernel can deny that.
        abi: what `landlock_abi` returned; 0 denies nothing but new privileges.
        start: called in a thread that is confined already.

    Raises:
        OSError: the kernel refused.
    """
    results: list[ResultT] = []
    errors: list[BaseException] = []

    def confine_and_start() -> None:
        try:
            _confine_thread(rules, abi)
            results.append(start())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            errors.append(error)

    thread = threading.Thread(target=confine_and_start, name="confined start")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _confine_thread(rules: Iterable[Rule], abi: int) -> None:
    if _libc().prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise _last_error()
    if not abi:
        return
    denied = handled(abi)
    size = next(size for version, size in _SIZE_BY_ABI if abi >= version)
    attributes = _RulesetAttributes(*denied)
    ruleset = _system_call(_CREATE_RULESET, ctypes.byref(attributes), size, 0)
    try:
        for rule in rules:
            _add(ruleset, rule, denied)
        _system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _add(ruleset: int, rule: Rule, denied: Handled) -> None:
    with suppress(FileNotFoundError):
        place = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
        try:
            allowed = rule.rights & denied.files
            if not stat.S_ISDIR(os.fstat(place).st_mode):
                allowed &= _OF_FILES
            beneath = _PathBeneath(allowed, place)
            _system_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(beneath), 0)
        finally:
            os.close(place)


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def _system_call(number: int, *arguments: object) -> int:
    result: int = _libc().syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise _last_error()
    return result


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
