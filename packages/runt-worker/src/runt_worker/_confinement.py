"""The second layer around a sandbox process: what the kernel denies it.

Deno's flags are the first. Should a hole in Deno, V8 or a library open them, the kernel
still refuses: other files than these, TCP, signals to other processes.
"""

import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from runt_worker._command import Installation, ProcessPaths
from runt_worker._landlock import FileRight, Rule, landlock_abi, run_confined

_READ: Final = FileRight.READ_FILE | FileRight.READ_DIR
_EXECUTE: Final = FileRight.READ_FILE | FileRight.EXECUTE
_WRITE: Final = FileRight.WRITE_FILE | FileRight.TRUNCATE
_CHANGE: Final = (
    _READ
    | _WRITE
    | FileRight.MAKE_REG
    | FileRight.MAKE_DIR
    | FileRight.MAKE_SYM
    | FileRight.REMOVE_FILE
    | FileRight.REMOVE_DIR
    | FileRight.REFER
)

_LIBRARIES: Final = (
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
)
"""What Deno's executable is linked to. By name: a directory of libraries also holds
drivers, and WebGPU, which no flag denies, would load those into the process."""

_LIBRARY_DIRECTORIES: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")

_SYSTEM_FILES: Final = (
    Rule(Path("/dev/null"), _READ | _WRITE, "its standard input and output"),
    Rule(Path("/dev/urandom"), _READ, "random numbers, where getrandom is not there"),
    Rule(Path("/etc/ld.so.cache"), _READ, "where libraries are"),
    Rule(Path("/etc/localtime"), _READ, "local time"),
    Rule(Path("/usr/share/zoneinfo"), _READ, "local time"),
    Rule(Path("/proc/meminfo"), _READ, "how large V8's heap may get"),
    Rule(Path("/sys/devices/system/cpu/online"), _READ, "how many threads to use"),
)


class ResourceLimit(NamedTuple):
    """What a process may have of something, for good.

    Attributes:
        name: of what, for people.
        what: the same, as the system calls it.
        most: how much of it.
    """

    name: str
    what: int
    most: int


RESOURCE_LIMITS: Final = (
    # A dump would hold what cells computed.
    ResourceLimit("core dump", resource.RLIMIT_CORE, 0),
    # Deno itself needs about 30.
    ResourceLimit("open files", resource.RLIMIT_NOFILE, 1024),
    # Only in its DENO_DIR.
    ResourceLimit("bytes in a file", resource.RLIMIT_FSIZE, 256 * 1024 * 1024),
)
"""Not the number of processes: the system counts all of the user's. Not the address
space: V8 reserves more than machines have."""


def file_rules(paths: ProcessPaths, libraries: tuple[Path, ...]) -> tuple[Rule, ...]:
    """Return all that a sandbox process may do with files.

    Args:
        paths: what it sees of the host.
        libraries: directories in which the system keeps its own.
    """
    image = paths.installation.image
    return (
        *_shared_rules(paths.installation, libraries),
        *([Rule(image.memory, _READ, "what it starts from")] if image else []),
        Rule(paths.control_in, _READ, "frames of the supervisor"),
        Rule(paths.control_out, _WRITE, "frames to the supervisor"),
        Rule(paths.call_request, _WRITE, "synchronous calls"),
        Rule(paths.call_reply, _READ, "the answers to them"),
        Rule(paths.deno_directory, _CHANGE, "Deno's own cache, which ends with it"),
        Rule(paths.working_directory, FileRight.READ_DIR, "where it stands"),
    )


def compile_rules(
    installation: Installation, directory: Path, libraries: tuple[Path, ...]
) -> tuple[Rule, ...]:
    """Return all that the process that compiles packages may do with files.

    Args:
        installation: what it is started from.
        directory: private to it: its ``DENO_DIR`` is there.
        libraries: directories in which the system keeps its own.
    """
    return (
        *_shared_rules(installation, libraries),
        Rule(directory, _CHANGE, "where it stands, and Deno's own cache"),
    )


def _shared_rules(
    shared: Installation, libraries: tuple[Path, ...]
) -> tuple[Rule, ...]:
    return (
        Rule(shared.deno, _EXECUTE, "the executable"),
        *(
            Rule(directory / name, _EXECUTE, "what the executable is linked to")
            for directory in libraries
            for name in _LIBRARIES
        ),
        *_SYSTEM_FILES,
        Rule(shared.assets, _READ, "the code that it runs"),
        Rule(shared.distribution, _READ, "Pyodide"),
        Rule(shared.packages, _READ, "what its imports find"),
    )


def library_directories() -> tuple[Path, ...]:
    """Return where this system keeps the libraries that Deno is linked to."""
    machine = f"{platform.machine()}-linux-gnu"
    usual = (Path(directory) for directory in _LIBRARY_DIRECTORIES)
    found = (place for it in usual for place in (it, it / machine))
    return tuple(dict.fromkeys((*found, *_directory_of_our_libc())))


def _directory_of_our_libc() -> Iterator[Path]:
    """Some systems keep it elsewhere; there it is where ours came from."""
    with Path("/proc/self/maps").open() as maps:
        for line in maps:
            if line.endswith("/libc.so.6\n"):
                yield Path(line[line.index("/") :].rstrip("\n")).parent


def spawn_confined(
    rules: Iterable[Rule], spawn: Callable[[], "subprocess.Popen[bytes]"]
) -> "subprocess.Popen[bytes]":
    """Start a process with as much of this layer as the machine has.

    Args:
        rules: what it may do with files.
        spawn: starts it; called in a thread that is confined already.

    Raises:
        OSError: the operating system would not start or confine it.
    """
    if sys.platform != "linux":
        return spawn()
    popen = run_confined(rules, landlock_abi(), spawn)
    with suppress(ProcessLookupError):  # its end is noticed by whoever waits for it
        limit_resources(popen.pid)
    return popen


def limit_resources(pid: int) -> None:
    """Limit what a process may use of the system, where that can be done from outside.

    Args:
        pid: a process of this user.
    """
    if sys.platform == "linux":
        for _, what, most in RESOURCE_LIMITS:
            _, hard = resource.prlimit(pid, what)
            if hard != resource.RLIM_INFINITY:
                most = min(most, hard)  # noqa: PLW2901
            resource.prlimit(pid, what, (most, most))
