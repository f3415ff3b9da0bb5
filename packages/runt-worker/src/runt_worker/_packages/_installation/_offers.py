"""The wheels of a project that fit the sandbox: in the cache, a folder, an index."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from packaging.version import Version

from runt_worker._packages._cache import hash_of
from runt_worker._packages._errors import PackageSourceError
from runt_worker._packages._pins import canonical_name
from runt_worker._packages._store import PackageStore

from ._candidates import (
    Candidate,
    Origin,
    ProjectReport,
    version_of,
    wheel_candidate,
)
from ._environment import SandboxEnvironment

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage


class Offers:
    """All wheels that are offered, besides Pyodide's own.

    Args:
        store: The cache, the user's directory and the index.
        environment: What wheels have to fit.
        check: Called before each request; what it raises ends the search.
    """

    def __init__(
        self,
        store: PackageStore,
        environment: SandboxEnvironment,
        check: Callable[[], None],
    ) -> None:
        self._store = store
        self._environment = environment
        self._check = check
        self._files: dict[str, DistributionPackage] = {}
        self._cached = self._read_cache()

    def cached(self, name: str) -> list[Candidate]:
        """Return the wheels of a project in the cache, best first.

        Args:
            name: Its canonical name.
        """
        return self._cached.get(name, [])

    def all(self, name: str, report: ProjectReport) -> list[Candidate]:
        """Return the wheels of a project from everywhere, best first.

        Args:
            name: Its canonical name.
            report: Told about what could not be used.
        """
        found = {it.pin: it for it in self._from_index(name, report)}
        # The same bytes, nearer by.
        found |= {it.pin: it for it in self._from_directory(name)}
        found |= {it.pin: it for it in self.cached(name)}
        return self._ordered(found.values())

    def index_file(self, sha256: str) -> "DistributionPackage | None":
        """Return what the index says of a file that `all` has seen there.

        Args:
            sha256: The file's hash.
        """
        return self._files.get(sha256)

    def _read_cache(self) -> dict[str, list[Candidate]]:
        locked = {pin.sha256 for pin in self._store.lock.packages.values()}
        found: dict[str, list[Candidate]] = {}
        for file in self._store.cache.files():
            candidate = wheel_candidate(
                self._environment,
                file_name=file.file_name,
                sha256=file.sha256,
                origin=Origin.CACHE,
                size_bytes=file.size_bytes,
            )
            if candidate is not None and file.sha256 not in locked:
                found.setdefault(candidate.name, []).append(candidate)
        return {name: self._ordered(them) for name, them in found.items()}

    def _from_directory(self, name: str) -> Iterator[Candidate]:
        if self._store.packages_dir is None:
            return
        for path in sorted(self._store.packages_dir.glob("*.whl")):
            if canonical_name(path.name.partition("-")[0]) != name:
                continue
            candidate = wheel_candidate(
                self._environment,
                file_name=path.name,
                sha256=hash_of(path),
                origin=Origin.DIRECTORY,
                size_bytes=path.stat().st_size,
                host_path=path,
            )
            if candidate is not None:
                yield candidate

    def _from_index(self, name: str, report: ProjectReport) -> Iterator[Candidate]:
        if self._store.index is None:
            report.failure = "no package index is configured"
            return
        self._check()
        try:
            files = self._store.index.files(name)
        except PackageSourceError as error:
            report.failure = str(error)
            return
        for file in files:
            candidate = self._judge(file, report)
            if candidate is not None and candidate.name == name:
                self._files[file.digests["sha256"]] = file
                yield candidate

    def _judge(
        self, file: "DistributionPackage", report: ProjectReport
    ) -> Candidate | None:
        """Return a file of the index as a candidate, or note why it is none."""
        version = version_of(file.version)
        if version is None or file.is_yanked:
            return None
        if not self._environment.accepts_python(file.requires_python):
            report.other_pythons[version] = file.requires_python or ""
            return None
        if file.package_type != "wheel":
            report.sdists.add(version)
            return None
        if self._environment.wheel_rank(file.filename) is None:
            report.note_other_wheel(version, file.filename)
            return None
        candidate = wheel_candidate(
            self._environment,
            file_name=file.filename,
            sha256=file.digests.get("sha256"),
            origin=Origin.INDEX,
            size_bytes=file.size,
        )
        if candidate is None:
            report.unusable[file.filename] = "the index gives no SHA-256 for it"
        return candidate

    def _ordered(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        def key(candidate: Candidate) -> tuple[Version, int, bool]:
            file_name = candidate.pin.file_name if candidate.pin else ""
            rank = self._environment.wheel_rank(file_name) or 0
            return candidate.version, -rank, candidate.origin is not Origin.INDEX

        return sorted(candidates, key=key, reverse=True)
