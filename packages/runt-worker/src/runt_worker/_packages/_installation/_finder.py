"""The candidates of each project in one resolution, and what they need."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from runt_worker._packages._errors import ResolutionError
from runt_worker._packages._pins import Pin
from runt_worker._packages._store import PackageStore

from ._candidates import Candidate, Origin, ProjectReport, version_of
from ._environment import SandboxEnvironment
from ._metadata import WheelMetadata, metadata_of_tree, metadata_of_wheel
from ._offers import Offers

MAX_PROJECTS = 1000
"""Asked about in one resolution; past that a hostile project leads us on."""


class Present(NamedTuple):
    """What a session has of a project.

    Attributes:
        version: Its version.
        tree: The host directory with its files; None if the guest has put it there.
    """

    version: str
    tree: Path | None


class Finder:
    """Finds candidates and reads their metadata; each of both once.

    Args:
        store: The locks, the cache, and how files are fetched.
        environment: What files have to fit.
        present: What the session has, by canonical name.
        unavailable: File names of Pyodide's packages that no source delivers.
        check: Called before each request; what it raises ends the resolution.
    """

    def __init__(
        self,
        *,
        store: PackageStore,
        environment: SandboxEnvironment,
        present: Mapping[str, Present],
        unavailable: AbstractSet[str],
        check: Callable[[], None],
    ) -> None:
        self._unavailable = unavailable
        self._store = store
        self._present = present
        self._check = check
        self._offers = Offers(store, environment, check)
        self._reports: dict[str, ProjectReport] = {}
        self._found: dict[str, list[Candidate]] = {}
        self._metadata: dict[Candidate, WheelMetadata] = {}

    def report(self, name: str) -> ProjectReport:
        """Return what was seen of a project so far.

        Args:
            name: Its canonical name.
        """
        return self._reports.setdefault(name, ProjectReport(name=name))

    def nearby(self, name: str) -> list[Candidate]:
        """Return what is preferred to anything newer, best first.

        That is what the session has, then Pyodide's version: in Pyodide's own build,
        unless only the index's is in the cache.

        Args:
            name: A project's canonical name.
        """
        found = [it for it in (self._present_one(name),) if it]
        locked = self.locked(name)
        if locked is None or locked.pin is None:
            return found
        same = [it for it in self.cached(name) if it.version == locked.version]
        if self._store.cache.path_of(locked.pin) is not None:
            same = []
        return [*found, *same, locked]

    def _present_one(self, name: str) -> Candidate | None:
        present = self._present.get(name)
        version = version_of(present.version) if present else None
        if present is None or version is None:
            return None
        return Candidate(
            name=name, version=version, origin=Origin.SESSION, host_path=present.tree
        )

    def locked(self, name: str) -> Candidate | None:
        """Return what Pyodide's lock has of a project, unless it cannot be had.

        Args:
            name: Its canonical name.
        """
        pin = self._store.lock.packages.get(name)
        version = version_of(pin.version) if pin else None
        if pin is None or version is None or pin.file_name in self._unavailable:
            return None
        return Candidate(name=name, version=version, origin=Origin.LOCK, pin=pin)

    def is_library(self, name: str) -> bool:
        """Say whether a name is that of a shared library of Pyodide.

        Nobody else may provide it: on an index it would be a stranger's.

        Args:
            name: A canonical name.
        """
        pin = self._store.lock.packages.get(name)
        return pin is not None and pin.package_type == "shared_library"

    def needs_of_locked(self, name: str) -> tuple[str, ...]:
        """Return what Pyodide's lock says that a package needs.

        Args:
            name: The canonical name of one that is in it.
        """
        return self._store.lock.packages[name].depends

    def cached(self, name: str) -> list[Candidate]:
        """Return the wheels of a project in the cache, best first.

        Args:
            name: Its canonical name.
        """
        return self._offers.cached(name)

    def offered(self, name: str) -> list[Candidate]:
        """Return all that cache, folder and index have of a project, best first.

        Args:
            name: Its canonical name.

        Raises:
            ResolutionError: Too many projects were asked about.
        """
        if name not in self._found:
            if len(self._found) >= MAX_PROJECTS:
                raise ResolutionError(f"More than {MAX_PROJECTS} projects are needed.")
            found = self._offers.all(name, self.report(name))
            pin = self._store.lock.packages.get(name)
            # Where Pyodide's own build cannot be had, its version is still the one
            # that fits what else it has.
            found.sort(key=lambda it: pin is None or pin.version != str(it.version))
            self._found[name] = found
        return self._found[name]

    def metadata(self, candidate: Candidate) -> WheelMetadata:
        """Return what a file says of itself.

        Args:
            candidate: One with a file, or with files in the session.

        Raises:
            ArchiveError: It makes no sense.
            PackageError: It cannot be had.
        """
        if candidate not in self._metadata:
            self._check()
            self._metadata[candidate] = self._read(candidate)
        return self._metadata[candidate]

    def _read(self, candidate: Candidate) -> WheelMetadata:
        pin = candidate.pin
        if pin is None:
            if candidate.host_path is None:
                return WheelMetadata.nothing()
            return metadata_of_tree(candidate.host_path, candidate.name)
        if candidate.host_path is not None:
            return metadata_of_wheel(candidate.host_path)
        return self._cached_metadata(pin) or self._remote_metadata(pin)

    def _cached_metadata(self, pin: Pin) -> WheelMetadata | None:
        if tree := self._store.cache.unpacked(pin):
            return metadata_of_tree(tree, pin.file_name)
        wheel = self._store.cache.get(pin)
        return metadata_of_wheel(wheel) if wheel else None

    def _remote_metadata(self, pin: Pin) -> WheelMetadata:
        file = self._offers.index_file(pin.sha256)
        if file is not None and self._store.index is not None:
            data = self._store.index.metadata(file)
            if data is not None:
                return WheelMetadata.parse(pin.file_name, data)
        # Nothing tells but the file itself, whose hash is checked on the way.
        [installed] = self._store.ensure_pins([pin], lambda _: self._check())
        return metadata_of_tree(installed.path, pin.file_name)
