"""``import numpy`` of a package that is not there yet asks the supervisor for it."""

import importlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from runt_kernel._bridge import Bridge


class PackageFinder:
    """A meta path finder that comes last: it knows what Pyodide's lock provides."""

    def __init__(self, bridge: Bridge, importable: Iterable[str]) -> None:
        self._bridge = bridge
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
        self._importable.discard(fullname)  # once; a failure must not ask for ever
        try:
            self.load(fullname)
        except BaseException:
            self._importable.add(fullname)
            raise
        return PathFinder.find_spec(fullname, path, target)

    def load(self, import_name: str) -> None:
        """Ask the supervisor for the package and let it appear in site-packages.

        Raises:
            ModuleNotFoundError: no source has it; the text says where was looked.
            KeyboardInterrupt: the cell was interrupted while it waited.
        """
        parameters = json.dumps({"import_name": import_name})
        answer = json.loads(self._bridge.call("load_package", parameters))
        if answer.get("code") == "EINTR":
            raise KeyboardInterrupt
        if "error" in answer:
            raise ModuleNotFoundError(answer["error"], name=import_name)
        for host_path in answer["paths"]:
            self._bridge.add_package(host_path)
        for host_path in answer["libraries"]:
            self._bridge.add_library(host_path)
        importlib.invalidate_caches()


def install(bridge: Bridge, importable: Iterable[str]) -> None:
    """Put the finder at the end of ``sys.meta_path``."""
    sys.meta_path.append(PackageFinder(bridge, importable))


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
