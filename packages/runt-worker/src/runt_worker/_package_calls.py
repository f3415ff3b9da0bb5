"""The guest's calls for packages: an ``import`` of what is not there yet, and pip's."""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from runt_worker._calls import Answer, Call, Handler, parse_parameters
from runt_worker._package_session import PackageSession
from runt_worker._packages import (
    InstalledPackage,
    PackageCacheError,
    PackageError,
    PackageStore,
    canonical_name,
)

if TYPE_CHECKING:
    from runt_worker._packages._installation import Installer, InstallRequest, Plan

_RESOLVE_TIMEOUT_S = 300.0
"""A resolution that takes longer was made to; a large real one takes seconds."""

_Text = Annotated[str, msgspec.Meta(max_length=10_000)]
_Texts = Annotated[list[_Text], msgspec.Meta(max_length=1000)]


class _FetchEndedError(Exception):
    """The cell was interrupted, or the worker stopped, while a package was coming."""


class _Import(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``plan_import`` and ``load_package``."""

    import_name: _Text


class _Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel that the guest has read itself."""

    file_name: _Text
    requires: _Texts
    requires_python: _Text | None = None
    extras: _Texts


class _PlanInstall(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``plan_install``."""

    requirements: _Texts
    constraints: _Texts
    hashes: dict[_Text, _Texts]
    wheels: Annotated[list[_Wheel], msgspec.Meta(max_length=100)]
    foreign: dict[_Text, _Text]
    upgrade: bool
    pre: bool
    no_deps: bool


class _Install(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``install_packages``: the last plan is meant."""


class _Uninstall(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``uninstall_packages``."""

    names: _Texts


class _ReadRequirements(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``read_requirements``."""

    text: str


def _tell_nobody(_packages: Iterable[InstalledPackage]) -> None:
    pass


class PackageCalls:
    """Answers one sandbox process from a package store.

    Args:
        store: where packages come from.
        session: what the process sees from the start.
        on_shown: told about the packages that a call has shown.
    """

    def __init__(
        self,
        store: PackageStore,
        session: PackageSession | None = None,
        on_shown: Callable[[Iterable[InstalledPackage]], None] = _tell_nobody,
    ) -> None:
        self._on_shown = on_shown
        self._store = store
        self._session = session or PackageSession()
        self._ended = Event()
        self._interrupted = Event()
        self._plan: Plan | None = None

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

    def handlers(self) -> Mapping[str, Handler]:
        """Return what answers each method."""
        return {
            "plan_import": self._handler(_Import, self._plan_import),
            "load_package": self._handler(_Import, self._load),
            "plan_install": self._handler(_PlanInstall, self._plan_install),
            "install_packages": self._handler(_Install, self._install),
            "uninstall_packages": self._handler(_Uninstall, self._uninstall),
            "read_requirements": self._handler(_ReadRequirements, _read_requirements),
        }

    def interrupt(self) -> None:
        """Let a fetch that is under way end soon: its caller waits no more."""
        self._interrupted.set()

    def end(self) -> None:
        """Let a fetch that is under way fail: nobody waits for it any more."""
        self._ended.set()

    def _handler(
        self, kind: type[Any], answer: Callable[[Any], dict[str, Any]]
    ) -> Handler:
        """Return a handler whose every refusal is an ``error`` text for the cell."""

        def handle(call: Call) -> Answer:
            self._interrupted.clear()
            try:
                return Answer(answer(parse_parameters(call, kind)))
            except msgspec.ValidationError as error:
                return Answer({"error": f"the call makes no sense: {error}"})
            except PackageError as error:
                return Answer({"error": _text(error)})
            except OSError as error:
                # Its path is the host's, and none of the guest's business.
                reason = error.strerror or type(error).__name__
                return Answer({"error": f"a package cannot be read: {reason}"})
            except _FetchEndedError:
                return Answer({"error": "the worker was stopped"})

        return handle

    # -- import

    def _plan_import(self, parameters: _Import) -> dict[str, Any]:
        """Answer with what an import has to wait for, so that people can be told."""
        package = self._store.lock.package_for_import(parameters.import_name)
        if package is None:
            return {"missing": []}
        pins = self._store.pins([package])
        return {"missing": [pin.name for pin in reversed(self._store.missing(pins))]}

    def _load(self, parameters: _Import) -> dict[str, Any]:
        name = parameters.import_name
        package = self._store.lock.package_for_import(name)
        if package is None:
            return {"error": f"No module named {name!r}"}
        try:
            installed = self._ensure(package)
        except PackageError as error:
            return {
                "error": f"No module named {name!r} yet: {_text(error)}\n"
                f"With a network, `runt setup --packages {package}` fetches it ahead."
            }
        # What the session has in another version stays: somebody wanted that one.
        known = self._session.visible
        self._session.add([it for it in installed if it.name not in known])
        self._on_shown(installed)
        return self._session.answer() | {"size_bytes": self._size(installed)}

    def _ensure(self, package: str) -> tuple[InstalledPackage, ...]:
        if not self._store.missing(self._store.pins([package])):
            return self._store.ensure([package])
        from runt_worker._packages._installation import (  # noqa: PLC0415 - see below
            InstallRequest,
        )

        # As pip does it: where Pyodide's build cannot be had, the index's may be.
        plan = self._resolve(InstallRequest.parse([package]), {})
        return self._installer.provide(plan, self._check, self._check)[1]

    # -- pip

    @cached_property
    def _installer(self) -> "Installer":
        # Late: it takes 0.1 s to import, and most sessions install nothing.
        from runt_worker._packages._installation import Installer  # noqa: PLC0415

        return Installer(self._store)

    def _plan_install(self, parameters: _PlanInstall) -> dict[str, Any]:
        from runt_worker._packages._installation import (  # noqa: PLC0415 - as above
            InstallRequest,
            LocalWheel,
        )

        self._plan = None
        wheels = [
            LocalWheel.parse(
                wheel.file_name,
                wheel.requires,
                requires_python=wheel.requires_python,
                extras=wheel.extras,
            )
            for wheel in parameters.wheels
        ]
        request = InstallRequest.parse(
            parameters.requirements,
            constraints=parameters.constraints,
            hashes=dict(parameters.hashes),
            wheels=wheels,
            upgrade=parameters.upgrade,
            pre=parameters.pre,
            no_deps=parameters.no_deps,
        )
        self._plan = plan = self._resolve(request, parameters.foreign)
        return {
            "packages": [
                {
                    "name": it.name,
                    "version": it.version,
                    "origin": it.origin,
                    "size_bytes": it.size_bytes,
                    "is_ready": it.is_ready,
                    "replaces": it.replaces,
                }
                for it in plan.packages
            ],
            "satisfied": plan.satisfied,
        }

    def _resolve(self, request: "InstallRequest", foreign: Mapping[str, str]) -> "Plan":
        from runt_worker._packages._installation import Present  # noqa: PLC0415

        present = {
            name: Present(package.version, package.path)
            for name, package in self._session.visible.items()
        }
        # What the guest has unpacked itself comes first on its path.
        present |= {
            canonical_name(name): Present(version, None)
            for name, version in foreign.items()
        }
        return self._installer.plan(request, present, self._checker())

    def _install(self, _parameters: _Install) -> dict[str, Any]:
        plan, self._plan = self._plan, None
        if plan is None:
            return {"error": "nothing was planned"}
        plan, installed = self._installer.provide(plan, self._checker(), self._check)
        self._session.add(installed)
        self._on_shown(installed)
        return self._session.answer() | {
            "installed": [(it.name, it.version) for it in plan.packages],
            "size_bytes": self._size(installed),
        }

    def _uninstall(self, parameters: _Uninstall) -> dict[str, Any]:
        names = [canonical_name(name) for name in parameters.names]
        fixed = [name for name in names if self._session.is_fixed(name)]
        if fixed:
            return {"error": f"the sandbox itself needs {', '.join(fixed)}"}
        removed = [it for name in names if (it := self._session.remove(name))]
        return self._session.answer() | {
            "uninstalled": [(it.name, it.version) for it in removed]
        }

    def _size(self, installed: tuple[InstalledPackage, ...]) -> int:
        """Return the size of the files that packages come from, in bytes."""
        hashes = {it.sha256 for it in installed}
        files = self._store.cache.files()
        return sum(file.size_bytes for file in files if file.sha256 in hashes)

    def _checker(self) -> Callable[[], None]:
        give_up_at = time.monotonic() + _RESOLVE_TIMEOUT_S

        def check() -> None:
            self._check()
            if time.monotonic() > give_up_at:
                raise PackageError(
                    f"No set of packages was found within {_RESOLVE_TIMEOUT_S:.0f} s."
                )

        return check

    def _check(self, _progress: object = None) -> None:
        if self._ended.is_set() or self._interrupted.is_set():
            raise _FetchEndedError


def _read_requirements(parameters: _ReadRequirements) -> dict[str, Any]:
    from runt_worker._packages._installation import (  # noqa: PLC0415 - as above
        parse_requirements_file,
    )

    return msgspec.to_builtins(parse_requirements_file(parameters.text))


def _text(error: PackageError) -> str:
    """Put an error into words for the guest, which must not read paths of the host."""
    if isinstance(error, PackageCacheError):
        return f"The package cache cannot be used: {error.reason}"
    return str(error)
