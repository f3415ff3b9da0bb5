"""What `resolvelib` asks about our candidates and requirements."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from resolvelib import AbstractProvider
from resolvelib.structs import RequirementInformation

from runt_worker._packages._errors import (
    ArchiveError,
    RequirementError,
    ResolutionError,
)

from ._candidates import Candidate, Origin
from ._environment import SandboxEnvironment
from ._explain import explain
from ._finder import Finder
from ._request import ADDRESS, InstallRequest, LocalWheel

_MAX_DEAD_ENDS = 150
"""A project may have shed a dependency that cannot be had so many versions ago."""

Identifier = tuple[str, frozenset[str]]
"""A project's canonical name, and extras: these are resolved as projects beside it."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One requirement, by whomever.

    Attributes:
        name: The project's canonical name.
        extras: Its extras.
        specifier: The versions that are accepted.
        exactly: The one candidate that is meant, if a candidate needs itself.
    """

    name: str
    extras: frozenset[str] = frozenset()
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    exactly: Candidate | None = None

    def __str__(self) -> str:
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return f"{self.name}{extras}{self.specifier}"


def wanted_of(requirement: Requirement) -> Wanted:
    """Return a parsed requirement without its marker.

    Args:
        requirement: One whose marker was looked at.

    Raises:
        RequirementError: It names an address.
    """
    if requirement.url:
        raise RequirementError(str(requirement), ADDRESS)
    return Wanted(
        name=canonicalize_name(requirement.name),
        extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
        specifier=requirement.specifier,
    )


class Provider(AbstractProvider[Wanted, Candidate, Identifier]):
    """The rules: who fits whom, who is preferred, who needs what.

    Preferred is what the session has, then the version of Pyodide's lock, then the
    newest. With `upgrade` what the request names is taken newest first.

    Args:
        finder: Where candidates come from.
        environment: What markers are judged by.
        request: What is asked for.
    """

    def __init__(
        self, finder: Finder, environment: SandboxEnvironment, request: InstallRequest
    ) -> None:
        self._finder = finder
        self._environment = environment
        self._request = request
        self._dead_ends: Counter[str] = Counter()
        self._parents: dict[str, Candidate] = {}
        self._local = {wheel.name: wheel for wheel in request.wheels}
        self._named = {canonicalize_name(it.name) for it in request.requirements}
        self._constraints: dict[str, SpecifierSet] = {}
        for it in request.constraints:
            if environment.matches(it.marker):
                name = canonicalize_name(it.name)
                known = self._constraints.get(name, SpecifierSet())
                self._constraints[name] = known & it.specifier

    def roots(self) -> list[Wanted]:
        """Return what the request asks for, as far as markers let it count."""
        wheels = [
            Wanted(name=wheel.name, extras=wheel.extras)
            for wheel in self._local.values()
        ]
        return wheels + [
            wanted_of(requirement)
            for requirement in self._request.requirements
            if self._environment.matches(requirement.marker)
        ]

    def constraint(self, name: str) -> SpecifierSet:
        """Return the versions that the constraints leave.

        Args:
            name: A project's canonical name.
        """
        return self._constraints.get(name, SpecifierSet())

    def identify(self, requirement_or_candidate: Wanted | Candidate) -> Identifier:
        """See `AbstractProvider`."""
        return requirement_or_candidate.name, requirement_or_candidate.extras

    def get_preference(
        self,
        identifier: Identifier,
        resolutions: Mapping[Identifier, Candidate],
        candidates: Mapping[Identifier, Iterator[Candidate]],
        information: Mapping[
            Identifier, Iterator["RequirementInformation[Wanted, Candidate]"]
        ],
        backtrack_causes: Sequence["RequirementInformation[Wanted, Candidate]"],
    ) -> Any:
        """See `AbstractProvider`: troublemakers first, then what is fixed."""
        del resolutions, candidates
        is_cause = any(
            identifier[0] in (cause.requirement.name, getattr(cause.parent, "name", ""))
            for cause in backtrack_causes
        )
        wanted = [it.requirement for it in information[identifier]]
        is_fixed = any(
            it.exactly or any(part.operator == "==" for part in it.specifier)
            for it in wanted
        )
        is_free = not any(it.specifier for it in wanted)
        return not is_cause, not is_fixed, is_free, identifier[0]

    def find_matches(
        self,
        identifier: Identifier,
        requirements: Mapping[Identifier, Iterator[Wanted]],
        incompatibilities: Mapping[Identifier, Iterator[Candidate]],
    ) -> Any:
        """See `AbstractProvider`; candidates are looked for one after the other."""
        name, extras = identifier
        wanted = list(requirements[identifier])
        excluded = set(incompatibilities[identifier])
        specifier = self.constraint(name)
        for it in wanted:
            specifier &= it.specifier
        exact = [it.exactly for it in wanted if it.exactly]

        def matches() -> Iterator[Candidate]:
            seen: set[Candidate] = set()
            found = iter(exact[:1]) if exact else self._matches(name, specifier)
            for base in found:
                candidate = _with_extras(base, extras)
                if candidate in seen or candidate in excluded:
                    continue
                seen.add(candidate)
                if all(self.is_satisfied_by(it, candidate) for it in wanted):
                    yield candidate
            if not seen and not exact:
                self._meet_dead_end(wanted)

        return matches

    def is_satisfied_by(self, requirement: Wanted, candidate: Candidate) -> bool:
        """See `AbstractProvider`."""
        if requirement.exactly is not None:
            return _with_extras(requirement.exactly, candidate.extras) == candidate
        if candidate.origin is Origin.LOCAL:
            # Named by its path: nobody means another one.
            return requirement.specifier.contains(candidate.version, prereleases=True)
        return requirement.specifier.contains(
            candidate.version, prereleases=True
        ) and self._has_accepted_hash(candidate)

    def get_dependencies(self, candidate: Candidate) -> Iterable[Wanted]:
        """See `AbstractProvider`."""
        if candidate.extras:
            base = _with_extras(candidate, frozenset())
            yield Wanted(name=candidate.name, exactly=base)
            if not self._request.no_deps:
                yield from self._needs_of_extras(base, candidate.extras)
        elif not self._request.no_deps:
            yield from self._needs(candidate)

    def _meet_dead_end(self, wanted: list[Wanted]) -> None:
        """Give up where one project is in the way whatever its parents' version is.

        `resolvelib` would go back through every version of everything above it.
        """
        name = wanted[0].name
        self._dead_ends[name] += 1
        if self._dead_ends[name] > _MAX_DEAD_ENDS:
            parent = self._parents.get(name)
            causes = [RequirementInformation(it, parent) for it in wanted[:1]]
            raise ResolutionError(explain(causes, self._finder))

    def _matches(self, name: str, specifier: SpecifierSet) -> Iterator[Candidate]:
        if local := self._local.get(name):
            yield local_candidate(local)
            return
        is_upgrade = self._request.upgrade and name in self._named
        if not is_upgrade:
            yield from (
                it
                for it in self._finder.nearby(name)
                if specifier.contains(it.version, prereleases=True)
            )
        if self._finder.is_library(name):
            return
        if _is_exact(specifier):
            # What is cached has the hash that an index once gave: no need to ask.
            yield from self._usable(self._finder.cached(name), specifier)
        offered = self._finder.offered(name)
        if is_upgrade:
            locked = self._finder.locked(name)
            offered = _newest_first([*offered, *([locked] if locked else [])])
        yield from self._usable(offered, specifier)

    def _usable(
        self, candidates: Sequence[Candidate], specifier: SpecifierSet
    ) -> Iterator[Candidate]:
        allowed = set(
            specifier.filter(
                [it.version for it in candidates],
                prereleases=True if self._request.pre else None,
            )
        )
        for candidate in candidates:
            if candidate.version in allowed and self._is_readable(candidate):
                yield candidate

    def _is_readable(self, candidate: Candidate) -> bool:
        """Say whether a file's metadata is there and takes the sandbox's Python."""
        report = self._finder.report(candidate.name)
        if candidate.origin is Origin.LOCK:
            return True
        try:
            metadata = self._finder.metadata(candidate)
        except ArchiveError as error:
            report.unusable[error.archive] = error.reason
            return False
        if self._environment.accepts_python(metadata.requires_python):
            return True
        report.other_pythons[candidate.version] = metadata.requires_python or ""
        return False

    def _has_accepted_hash(self, candidate: Candidate) -> bool:
        accepted = self._request.hashes.get(candidate.name)
        if accepted is None or candidate.pin is None:
            return True
        return candidate.pin.sha256 in accepted

    def _needs(self, candidate: Candidate) -> Iterator[Wanted]:
        match candidate.origin:
            case Origin.SESSION:
                return  # it came with all that it needs
            case Origin.LOCK:
                names = self._finder.needs_of_locked(candidate.name)
                yield from (Wanted(name=name) for name in names)
            case Origin.LOCAL:
                yield from self._counting(
                    candidate, self._local[candidate.name].requires, ""
                )
            case _:
                metadata = self._finder.metadata(candidate)
                yield from self._counting(candidate, metadata.requires, "")

    def _needs_of_extras(
        self, base: Candidate, extras: frozenset[str]
    ) -> Iterator[Wanted]:
        if base.origin is Origin.LOCAL:
            requires = self._local[base.name].requires
        else:
            requires = self._finder.metadata(base).requires
        for extra in sorted(extras):
            yield from self._counting(base, requires, extra)

    def _counting(
        self, parent: Candidate, requires: Iterable[Requirement], extra: str
    ) -> Iterator[Wanted]:
        for requirement in requires:
            if self._environment.matches(requirement.marker, extra):
                wanted = wanted_of(requirement)
                self._parents[wanted.name] = parent
                yield wanted


def local_candidate(wheel: LocalWheel) -> Candidate:
    """Return a wheel of the guest's as a candidate.

    Args:
        wheel: What the guest says of it.
    """
    return Candidate(
        name=wheel.name, version=Version(wheel.version), origin=Origin.LOCAL
    )


def _with_extras(candidate: Candidate, extras: frozenset[str]) -> Candidate:
    return replace(candidate, extras=extras)


def _newest_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    # Stable, and the lock's build wins a tie: it was tested with this Pyodide.
    return sorted(
        candidates,
        key=lambda it: (it.version, it.origin is Origin.LOCK),
        reverse=True,
    )


def _is_exact(specifier: SpecifierSet) -> bool:
    return any(
        part.operator in ("==", "===") and not part.version.endswith(".*")
        for part in specifier
    )
