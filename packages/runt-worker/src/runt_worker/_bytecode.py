"""Compiles unpacked packages for the sandbox's Python, once for all sandboxes.

Imports take half the time with bytecode, and the sandbox cannot keep its own: what a
process that ran user code hands out must never be what another one runs. So a process
that runs none compiles, and only this module writes to the cache, under names of its
own making. File by file: a compilation that is cut off goes on next time.
"""

import contextlib
import logging
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from runt_worker._command import Installation, compile_command
from runt_worker._confinement import compile_rules, library_directories, spawn_confined
from runt_worker._errors import GuestProtocolError, SetupError
from runt_worker._frames import Frame, FrameDecoder
from runt_worker._packages import InstalledPackage
from runt_worker._private_directory import private_directory

_log = logging.getLogger(__name__)

SITE_PACKAGES = "/lib/python3.14/site-packages"
"""Where packages appear in the sandbox: tracebacks name these paths."""

_TAG = "cpython-314"
_MAX_BYTECODE_BYTES = 32 << 20
"""Of one file; the largest of Pyodide's packages has 2 MB."""
_CHUNK_BYTES = 1 << 16
_NICENESS = 10
"""It must not take the processor from the cell that runs meanwhile."""


class _Source(NamedTuple):
    """A file to compile, and where its bytecode goes."""

    host_path: Path
    guest_path: str
    target: Path


class _Done(msgspec.Struct, frozen=True):
    """Head of a frame: which file is compiled."""

    id: int


class BytecodeCompiler:
    """Compiles packages that have no bytecode yet, one batch at a time.

    Args:
        installation: What the compiling process is started from.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False
        self._changing = threading.Lock()
        self._working = threading.Lock()

    def start(self, packages: Iterable[InstalledPackage]) -> None:
        """Compile in the background, if there is anything to compile.

        Args:
            packages: Unpacked packages.
        """
        waiting = [it for it in packages if not is_compiled(it)]
        if waiting and not self._is_stopped and not self._working.locked():
            threading.Thread(
                target=self._compile_quietly, args=[waiting], daemon=True
            ).start()

    def stop(self) -> None:
        """End what is under way; what is compiled stays."""
        with self._changing:
            self._is_stopped = True
            if self._process is not None:
                self._process.kill()

    def compile(self, packages: Iterable[InstalledPackage]) -> None:
        """Compile, and return when all is done.

        Args:
            packages: Unpacked packages.

        Raises:
            SetupError: The process could not be started, or failed.
            OSError: The cache cannot be written.
        """
        with self._working:
            waiting = [it for it in packages if not is_compiled(it)]
            sources = [source for it in waiting for source in _sources(it)]
            if sources and not self._compile(sources):
                return
            for package in waiting:
                _mark_compiled(package)

    def _compile_quietly(self, packages: list[InstalledPackage]) -> None:
        try:
            self.compile(packages)
        except (SetupError, GuestProtocolError, OSError) as error:
            # Nobody asked for it, and everything works without.
            _log.info("packages were not compiled: %s", error)

    def _compile(self, sources: list[_Source]) -> bool:
        """Return whether all was compiled: a stop ends it early."""
        with private_directory("compile") as directory:
            with self._changing:
                if self._is_stopped:
                    return False
                self._process = self._spawn(directory)
            with self._process as process:
                assert process.stdin is not None  # noqa: S101 - both are pipes
                assert process.stdout is not None  # noqa: S101
                feeding = threading.Thread(target=_feed, args=[process.stdin, sources])
                feeding.start()
                try:
                    count = _keep(process.stdout, sources)
                finally:
                    process.kill()
                    feeding.join()
        self._process = None
        if count < len(sources) and not self._is_stopped:
            raise SetupError("the compiling process ended early")
        return count == len(sources)

    def _spawn(self, directory: Path) -> "subprocess.Popen[bytes]":
        def spawn() -> "subprocess.Popen[bytes]":
            return subprocess.Popen(
                compile_command(self._installation),
                cwd=directory,
                env={"DENO_DIR": str(directory / "deno"), "DENO_NO_UPDATE_CHECK": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )

        rules = compile_rules(self._installation, directory, library_directories())
        process = spawn_confined(rules, spawn)
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
        return process


def is_compiled(package: InstalledPackage) -> bool:
    """Say whether all of a package is compiled.

    Args:
        package: One that is unpacked.
    """
    return package.is_shared_library or _mark(package).is_file()


def _mark(package: InstalledPackage) -> Path:
    return package.path.parent / "compiled"


def _mark_compiled(package: InstalledPackage) -> None:
    with contextlib.suppress(FileNotFoundError):  # pruned meanwhile
        _mark(package).touch()


def _sources(package: InstalledPackage) -> Iterator[_Source]:
    """Yield the files of a package that have no bytecode yet."""
    tree = package.path
    for path in sorted(tree.rglob("*.py")):
        place = path.relative_to(tree)
        target = package.bytecode_path / place.parent / "__pycache__"
        target /= f"{place.stem}.{_TAG}.pyc"
        if not target.exists():
            yield _Source(path, f"{SITE_PACKAGES}/{place.as_posix()}", target)


def _feed(stdin: IO[bytes], sources: list[_Source]) -> None:
    request = [
        {"id": number, "host_path": str(it.host_path), "guest_path": it.guest_path}
        for number, it in enumerate(sources)
    ]
    with contextlib.suppress(BrokenPipeError), stdin:
        stdin.write(msgspec.json.encode(request))


def _keep(stdout: IO[bytes], sources: list[_Source]) -> int:
    """Write each result into the cache; return how many there were."""
    decoder = FrameDecoder(_MAX_BYTECODE_BYTES)
    count = 0
    while count < len(sources):
        chunk = os.read(stdout.fileno(), _CHUNK_BYTES)
        if not chunk:
            break
        for frame in decoder.receive_data(chunk):
            _keep_one(frame, sources)
            count += 1
    return count


def _keep_one(frame: Frame, sources: list[_Source]) -> None:
    try:
        number = msgspec.json.decode(frame.head, type=_Done).id
    except msgspec.DecodeError as error:
        raise GuestProtocolError(f"the compiling process made no sense: {error}") from (
            None
        )
    if not 0 <= number < len(sources):
        raise GuestProtocolError("the compiling process compiled what nobody asked for")
    if not frame.tail:
        return  # no Python of this version: templates, tests of syntax errors
    target = sources[number].target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=".", delete=False
    ) as file:
        file.write(frame.tail)
    Path(file.name).replace(target)
