"""From a request to packages on disk, in two steps: a plan, then its files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from resolvelib import (
    BaseReporter,
    ResolutionImpossible,
    ResolutionTooDeep,
    Resolver,
)

from runt_worker._packages._errors import (
    PackageUnavailableError,
    RequirementError,
    ResolutionError,
)
from runt_worker._packages._pins import Pin
from runt_worker._packages._store import InstalledPackage, OnProgress, PackageStore

from ._candidates import Candidate, Origin
from ._environment import PYTHON_VERSION, SandboxEnvironment
from ._explain import Cause, explain
from ._finder import Finder, Present
from ._provider import Identifier, Provider, Wanted
from ._request import InstallRequest, LocalWheel

_MAX_ROUNDS = 2_000
"""Ten times what the largest real set of requirements takes."""


@dataclass(frozen=True, kw_only=True)
class PlannedPackage:
    """One package that has to be put in place.

    Attributes:
        name: Its canonical name.
        version: Its version.
        pin: The file; None for a wheel that the guest unpacks itself.
        origin: Where it comes from, for people.
        size_bytes: The file's length, if it is known.
        is_ready: Whether it lies unpacked in the cache.
        replaces: The version that is there now, if another one is.
    """

    name: str
    version: str
    pin: Pin | None
    origin: str
    size_bytes: int | None
    is_ready: bool
    replaces: str | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an installation will do.

    Attributes:
        packages: What has to be put in place, in the order of names.
        satisfied: Name and version of what was asked for and is there already.
        request: What it was made for.
        present: What the session had.
        unavailable: File names of Pyodide's packages that no source delivers.
    """

    packages: tuple[PlannedPackage, ...]
    satisfied: tuple[tuple[str, str], ...]
    request: InstallRequest
    present: Mapping[str, Present]
    unavailable: frozenset[str]

    @property
    def pins(self) -> tuple[Pin, ...]:
        """The files that are needed."""
        return tuple(it.pin for it in self.packages if it.pin is not None)


class Installer:
    """Resolves requests against a store.

    Args:
        store: The locks, the cache and the index.
    """

    def __init__(self, store: PackageStore) -> None:
        self._store = store
        self._environment = SandboxEnvironment(abi_version=store.lock.abi_version)

    def plan(
        self,
        request: InstallRequest,
        present: Mapping[str, Present] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> Plan:
        """Decide which packages a request needs.

        Args:
            request: What is wanted.
            present: What the session has, by canonical name.
            check: Called before each request to the network; what it raises ends this.

        Raises:
            RequirementError: A wheel of the guest's is not for the sandbox.
            ResolutionError: No set of packages satisfies the request.
            HashMismatchError: An index delivered other metadata than it announced.
            PackageError: A source or the cache failed.
        """
        for wheel in request.wheels:
            self._check_wheel(wheel)
        return self._plan(request, present or {}, check, frozenset())

    def provide(
        self,
        plan: Plan,
        check: Callable[[], None] = lambda: None,
        on_progress: OnProgress | None = None,
    ) -> tuple[Plan, tuple[InstalledPackage, ...]]:
        """Fetch and unpack what a plan needs.

        A package of Pyodide's that no source delivers is replaced by the index's own
        wheel, if there is one: some networks have an index and nothing else.

        Args:
            plan: From `plan`.
            check: Called before each request to the network; what it raises ends this.
            on_progress: Told about every piece of a file that arrives.

        Returns:
            The plan, which may have changed, and its packages.

        Raises:
            PackageUnavailableError: No source delivered one of them.
            HashMismatchError: A source delivered something else.
            ArchiveError: A package is broken or hostile.
            PackageCacheError: The cache cannot be used.
        """
        while True:
            try:
                return plan, self._store.ensure_pins(plan.pins, on_progress)
            except PackageUnavailableError as error:
                try:
                    plan = self._plan_without(error.file_name, plan, check)
                except ResolutionError:
                    raise error from None

    def _plan_without(
        self, file_name: str, plan: Plan, check: Callable[[], None]
    ) -> Plan:
        unavailable = plan.unavailable | {file_name}
        if unavailable == plan.unavailable or not self._is_locked(file_name):
            raise ResolutionError(file_name)
        return self._plan(plan.request, plan.present, check, unavailable)

    def _is_locked(self, file_name: str) -> bool:
        packages = self._store.lock.packages.values()
        return any(it.file_name == file_name for it in packages)

    def _plan(
        self,
        request: InstallRequest,
        present: Mapping[str, Present],
        check: Callable[[], None],
        unavailable: frozenset[str],
    ) -> Plan:
        finder = Finder(
            store=self._store,
            environment=self._environment,
            present=present,
            unavailable=unavailable,
            check=check,
        )
        provider = Provider(finder, self._environment, request)
        roots = provider.roots()
        try:
            chosen = _resolve(provider, roots, finder)
        except PackageUnavailableError as error:
            # To read what its extras need, a file was wanted already now.
            if error.file_name in unavailable or not self._is_locked(error.file_name):
                raise
            return self._plan(request, present, check, unavailable | {error.file_name})
        asked = {root.name for root in roots}
        return Plan(
            packages=tuple(
                self._planned(it, present.get(it.name))
                for it in chosen
                if it.origin is not Origin.SESSION
            ),
            satisfied=tuple(
                (it.name, str(it.version))
                for it in chosen
                if it.origin is Origin.SESSION and it.name in asked
            ),
            request=request,
            present=present,
            unavailable=unavailable,
        )

    def _check_wheel(self, wheel: LocalWheel) -> None:
        if self._environment.wheel_rank(wheel.file_name) is None:
            reason = (
                "it is not for the sandbox, which takes pure wheels (py3-none-any) and "
                f"those for pyemscripten_{self._store.lock.abi_version}_wasm32"
            )
            raise RequirementError(wheel.file_name, reason)
        if not self._environment.accepts_python(wheel.requires_python):
            reason = (
                f"it wants Python {wheel.requires_python}; the sandbox has "
                f"{PYTHON_VERSION}"
            )
            raise RequirementError(wheel.file_name, reason)

    def _planned(self, chosen: Candidate, present: Present | None) -> PlannedPackage:
        pin, cache = chosen.pin, self._store.cache
        if pin is not None and chosen.host_path is not None:
            # Taken over at once: what the plan names is then in the cache.
            cache.add(chosen.host_path, pin)
        size = chosen.size_bytes
        wheel = None if pin is None else cache.path_of(pin)
        if size is None and wheel is not None:
            size = wheel.stat().st_size
        return PlannedPackage(
            name=chosen.name,
            version=str(chosen.version),
            pin=pin,
            origin=chosen.origin.value,
            size_bytes=size,
            is_ready=pin is None or cache.unpacked(pin) is not None,
            replaces=present.version if present else None,
        )


def _resolve(
    provider: Provider, roots: Iterable[Wanted], finder: Finder
) -> list[Candidate]:
    """Return one candidate for each project that is needed, in the order of names."""
    resolver: Resolver[Wanted, Candidate, Identifier] = Resolver(
        provider, BaseReporter()
    )
    try:
        result = resolver.resolve(roots, max_rounds=_MAX_ROUNDS)
    except ResolutionImpossible as error:  # pyright: ignore[reportUnknownVariableType] - generic, and except takes no arguments
        causes: Sequence[Cause] = cast("Any", error).causes
        raise ResolutionError(explain(causes, finder)) from None
    except ResolutionTooDeep:
        raise ResolutionError(
            "No set of packages was found; name the versions that you want."
        ) from None
    found = [it for (_, extras), it in result.mapping.items() if not extras]
    return sorted(found, key=lambda it: it.name)
