"""Why nothing could be installed, in words that say what else there is."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ._candidates import Candidate, Origin, ProjectReport
from ._environment import PYTHON_VERSION
from ._finder import Finder

if TYPE_CHECKING:
    from resolvelib.structs import RequirementInformation

    from ._provider import Wanted

Cause: TypeAlias = "RequirementInformation[Wanted, Candidate]"
"""A requirement, and the candidate that has it; None: it was asked for."""

_MAX_VERSIONS = 5
_MAX_CAUSES = 10


def explain(causes: "Sequence[Cause]", finder: Finder) -> str:
    """Say why requirements cannot be satisfied.

    Args:
        causes: The requirements that stand in each other's way, from `resolvelib`.
        finder: What has looked for candidates.
    """
    names = {cause.requirement.name for cause in causes}
    if len(names) == 1 and (text := _lack(causes, names.pop(), finder)):
        return text
    lines = [_cause(cause) for cause in causes[:_MAX_CAUSES]]
    return "These requirements contradict each other:" + _list(dict.fromkeys(lines))


def _lack(
    causes: "Sequence[Cause]",
    name: str,
    finder: Finder,
) -> str | None:
    """Say what is wrong with a project that has no version for one requirement."""
    usable = _usable_versions(name, finder)
    specifier = causes[0].requirement.specifier
    for cause in causes:
        specifier &= cause.requirement.specifier
    wanted = f"{name}{specifier}"
    if len(causes) > 1 and usable and not _is_single(causes):
        return None
    parents = [str(it.parent.name) for it in causes if it.parent]
    needed_by = f", which {parents[0]} needs," if parents else ""
    facts = _facts(finder.report(name), specifier, usable, finder.locked(name))
    return f"{wanted}{needed_by} cannot be installed in the sandbox." + _list(facts)


def _is_single(
    causes: "Sequence[Cause]",
) -> bool:
    return len({str(cause.requirement) for cause in causes}) == 1


def _usable_versions(name: str, finder: Finder) -> list[Version]:
    candidates = [] if finder.is_library(name) else finder.offered(name)
    unusable = finder.report(name).unusable
    return [
        it.version
        for it in candidates
        if it.pin is not None and it.pin.file_name not in unusable
    ]


def _facts(
    report: ProjectReport,
    specifier: SpecifierSet,
    usable: list[Version],
    locked: Candidate | None,
) -> Iterable[str]:
    others = _within(specifier, report.other_wheels, usable)
    sources = _within(specifier, report.sdists, [*usable, *others])
    pythons = _within(specifier, report.other_pythons, usable)
    if report.failure:
        yield report.failure
    elif report.is_empty and not usable:
        yield f"the package index has no project {report.name!r}"
    elif not (others or sources or pythons or report.unusable):
        yield "the package index has no such version"
    if others:
        newest = max(others)
        yield (
            f"{newest} has wheels for other platforms only (such as "
            f"{_platform(report.other_wheels[newest])}); its compiled code would need "
            "a wheel for Pyodide"
        )
    if sources and max(sources) > max(others, default=Version("0")):
        yield f"{max(sources)} is a source archive only, and nothing can be built here"
    if pythons:
        newest = max(pythons)
        yield (
            f"{newest} wants Python {report.other_pythons[newest]}; the sandbox has "
            f"{PYTHON_VERSION}"
        )
    yield from (f"{name}: {reason}" for name, reason in report.unusable.items())
    if locked is not None:
        yield f"Pyodide has {report.name} {locked.version}"
    if finals := [it for it in usable if not it.is_prerelease] or usable:
        yield f"versions with a wheel that works here: {_versions(finals)}"


def _within(
    specifier: SpecifierSet, versions: Iterable[Version], without: Iterable[Version]
) -> list[Version]:
    left = set(versions) - set(without)
    finals = [it for it in left if not it.is_prerelease]
    return list(specifier.filter(finals or left))


def _platform(file_name: str) -> str:
    return "-".join(file_name.removesuffix(".whl").split("-")[-3:])


def _versions(versions: Iterable[Version]) -> str:
    newest = [str(it) for it in sorted(set(versions), reverse=True)]
    more = "…" if len(newest) > _MAX_VERSIONS else ""
    return ", ".join(newest[:_MAX_VERSIONS]) + more


def _cause(cause: "Cause") -> str:
    wanted = re.sub(r"==$", "", str(cause.requirement))
    if cause.parent is None:
        return f"you ask for {wanted}"
    if cause.parent.origin is Origin.LOCAL:
        return f"the wheel of {cause.parent.name} needs {wanted}"
    return f"{cause.parent.name} {cause.parent.version} needs {wanted}"


def _list(lines: Iterable[str]) -> str:
    return "".join(f"\n  - {line}" for line in lines)
