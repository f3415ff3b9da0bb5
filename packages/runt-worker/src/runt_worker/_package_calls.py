"""The guest's calls for packages: ``import numpy`` of what is not there yet."""

from threading import Event

import msgspec

from runt_worker._calls import Answer, Call, parse_parameters
from runt_worker._packages import PackageError, PackageProgress, PackageStore


class _FetchEndedError(Exception):
    """The worker was stopped while a package was on its way."""


class _LoadPackage(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``load_package``."""

    import_name: str


class PackageCalls:
    """Answers ``load_package`` from a package store.

    Args:
        store: where packages come from.
    """

    def __init__(self, store: PackageStore) -> None:
        self._store = store
        self._ended = Event()

    def importable(self) -> list[str]:
        """Return the import names that this can answer."""
        return sorted(
            {
                name
                for package in self._store.lock.packages.values()
                for name in package.imports
                if "." not in name
            }
        )

    def end(self) -> None:
        """Let a fetch that is under way fail: nobody waits for it any more."""
        self._ended.set()

    def __call__(self, call: Call) -> Answer:
        """Answer one call; every refusal is an ``error`` text for the cell."""
        try:
            parameters = parse_parameters(call, _LoadPackage)
        except msgspec.ValidationError as error:
            return Answer({"error": f"the call makes no sense: {error}"})
        return self._load(parameters.import_name)

    def _load(self, import_name: str) -> Answer:
        package = self._store.lock.package_for_import(import_name)
        if package is None:
            return Answer({"error": f"No module named {import_name!r}"})
        try:
            installed = self._store.ensure([package], self._check)
        except PackageError as error:
            return Answer({"error": f"No module named {import_name!r} yet: {error}"})
        except _FetchEndedError:
            return Answer({"error": "the worker was stopped"})
        return Answer(
            {
                "paths": [str(p.path) for p in installed if not p.is_shared_library],
                "libraries": [str(p.path) for p in installed if p.is_shared_library],
            }
        )

    def _check(self, _progress: PackageProgress) -> None:
        if self._ended.is_set():
            raise _FetchEndedError
