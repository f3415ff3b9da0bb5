"""``import numpy`` of a package that is not there yet asks the supervisor for it."""

import importlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import Enum
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Self

from runt_kernel._bridge import Bridge

_MEGABYTE = 1_000_000
_LIBRARY_CODE = "/lib/python3"
"""Where the code of packages lies, as opposed to that of cells and mounts."""


class PackageError(ValueError):
    """A package cannot be had; the text says why, and what else there is."""

    def _render_traceback_(self) -> list[str]:
        """Show no traceback: the text is for people, and none of their code failed."""
        return [f"{type(self).__name__}: {self}"]


class PackageClient:
    """Asks the supervisor, which decides and fetches: there is no network here."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Return the supervisor's answer.

        Raises:
            PackageError: it refused, or failed.
            KeyboardInterrupt: the cell was interrupted while it waited.
        """
        answer = json.loads(self._bridge.call(method, json.dumps(parameters)))
        if answer.get("code") == "EINTR":
            raise KeyboardInterrupt
        if "error" in answer:
            raise PackageError(answer["error"])
        return answer

    def show(self, answer: dict[str, Any]) -> None:
        """Let site-packages show what an answer says."""
        for host_path in answer["removed"]:
            self._bridge.remove_package(host_path)
        for host_path in answer["paths"]:
            self._bridge.add_package(host_path)
        for host_path in answer["libraries"]:
            self._bridge.add_library(host_path)
        importlib.invalidate_caches()


class PackageFinder:
    """A meta path finder that comes last: it knows what Pyodide's lock provides."""

    def __init__(self, client: PackageClient, importable: Iterable[str]) -> None:
        self.client = client
        self._importable = set(importable)
        self._is_offline = False

    @property
    def importable(self) -> list[str]:
        """What an import would load."""
        return sorted(self._importable)

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Load nothing in the block."""
        self._is_offline = True
        try:
            yield
        finally:
            self._is_offline = False

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Load the package that provides ``fullname`` and find the module in it."""
        if self._is_offline or fullname not in self._importable:
            return None
        importer = _importer()
        if importer is Importer.STARTING_LIBRARY:
            return None
        self._importable.discard(fullname)  # once; a failure must not ask for ever
        try:
            self.load(fullname, is_asked=importer is Importer.CELL)
        finally:
            # It may be uninstalled, and be wanted again.
            self._importable.add(fullname)
        return PathFinder.find_spec(fullname, path, target)

    def load(self, import_name: str, *, is_asked: bool) -> None:
        """Ask the supervisor for the package and let it appear in site-packages.

        Args:
            import_name: what is imported.
            is_asked: whether a cell imports it, and not a library that may do without.

        Raises:
            ModuleNotFoundError: no source has it; the text says where was looked.
            KeyboardInterrupt: the cell was interrupted while it waited.
        """
        try:
            missing = self.client.ask("plan_import", import_name=import_name)["missing"]
            with _Announcement(missing, at_once=is_asked) as announcement:
                answer = self.client.ask("load_package", import_name=import_name)
                announcement.size_bytes = answer["size_bytes"]
        except PackageError as error:
            raise ModuleNotFoundError(str(error), name=import_name) from None
        self.client.show(answer)


class _Announcement:
    """One line on standard error about packages that have to be fetched or unpacked.

    The first half is there while the cell waits. Where a library tries to import what
    it can do without, the line comes when it is done, and none if it is not.
    """

    def __init__(self, missing: list[str], *, at_once: bool) -> None:
        self.size_bytes = 0
        self._text = f"Loading {', '.join(missing)}" if missing else ""
        self._at_once = at_once

    def __enter__(self) -> Self:
        self._start = time.monotonic()
        if self._at_once:
            self._write(self._text)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        seconds = time.monotonic() - self._start
        done = f" ({size_text(self.size_bytes)}, {seconds:.1f} s)\n"
        if self._at_once:
            self._write(done if kind is None else " … failed\n")
        elif kind is None:
            self._write(self._text + done)

    def _write(self, text: str) -> None:
        if self._text:
            sys.stderr.write(text)
            sys.stderr.flush()


def size_text(size_bytes: int) -> str:
    """Return a size in words, e.g. ``9.1 MB``."""
    if size_bytes < _MEGABYTE:
        return f"{max(size_bytes // 1000, 1)} kB"
    return f"{size_bytes / _MEGABYTE:.1f} MB"


class Importer(Enum):
    """Who imports what is not there."""

    CELL = "a cell, or a module of its author's"
    LIBRARY = "a library that was called"
    STARTING_LIBRARY = "a library that is imported itself"


def _importer() -> Importer:
    """Say who imports what `find_spec` is asked for.

    A library that is imported tries what else is there; what it needs came with it.
    Were the rest loaded, ``import pandas`` would fetch pyarrow, and behave differently
    with and without a network. What a library imports later may be what it was called
    for.
    """
    importer = Importer.CELL
    frame = sys._getframe(2)  # noqa: SLF001 (there is no other way)
    while frame is not None:
        file_name = frame.f_code.co_filename
        if file_name.startswith(_LIBRARY_CODE):
            importer = Importer.LIBRARY
            if frame.f_code.co_name == "<module>":
                return Importer.STARTING_LIBRARY
        elif not file_name.startswith("<frozen importlib"):
            break
        frame = frame.f_back
    return importer


def client() -> PackageClient:
    """Return the way to the supervisor, once `install` was called."""
    for finder in _finders():
        return finder.client
    raise PackageError("the finder of packages was taken off sys.meta_path")


def install(bridge: Bridge, importable: Iterable[str]) -> None:
    """Put the finder at the end of ``sys.meta_path``."""
    sys.meta_path.append(PackageFinder(PackageClient(bridge), importable))


def importable() -> list[str]:
    """Return the import names that would be loaded on demand."""
    return [name for finder in _finders() for name in finder.importable]


@contextmanager
def offline() -> Iterator[None]:
    """Load nothing in the block: a completion must not download what it completes."""
    with ExitStack() as stack:
        for finder in _finders():
            stack.enter_context(finder.offline())
        yield


def _finders() -> list[PackageFinder]:
    # User code may have taken it away.
    return [finder for finder in sys.meta_path if isinstance(finder, PackageFinder)]
