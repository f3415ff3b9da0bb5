"""What ``%pip`` and ``micropip`` do: install, list, show, uninstall."""

import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.metadata import distributions as all_distributions
from pathlib import Path
from typing import Any

from runt_kernel import _user_site
from runt_kernel._packages import PackageClient, PackageError, client, size_text

INDEX_IS_FIXED = (
    "which package index is asked is decided outside the sandbox, by the pip "
    "configuration of whoever runs runt"
)
_MAX_FILES = 100
"""Requirements files that include each other."""


@dataclass
class InstallOptions:
    """What is asked for besides the requirements."""

    constraints: list[str] = field(default_factory=list)
    hashes: dict[str, list[str]] = field(default_factory=dict)
    upgrade: bool = False
    pre: bool = False
    no_deps: bool = False
    tell: Callable[[str], None] = print


def install(wanted: Iterable[str], options: InstallOptions) -> list[tuple[str, str]]:
    """Install requirements and wheels, and return names and versions of what is new.

    Raises:
        PackageError: it cannot be done; nothing has changed then.
        KeyboardInterrupt: the cell was interrupted.
    """
    supervisor = client()
    wheels, requirements = [], []
    for text in wanted:
        if path := _wheel_path(text):
            wheels.append(_user_site.LocalWheel(path))
        else:
            requirements.append(text)
    plan = supervisor.ask(
        "plan_install",
        requirements=requirements,
        constraints=options.constraints,
        hashes=options.hashes,
        wheels=[wheel.describe() for wheel in wheels],
        foreign={it.metadata["Name"]: it.version for it in _user_site.installed()},
        upgrade=options.upgrade,
        pre=options.pre,
        no_deps=options.no_deps,
    )
    for name, version in plan["satisfied"]:
        options.tell(f"Requirement already satisfied: {name} {version}")
    if not plan["packages"]:
        return []
    _tell_plan(plan["packages"], options.tell)
    stale = _imported_versions(plan["packages"])
    done = supervisor.ask("install_packages")
    supervisor.show(done)
    for wheel in wheels:
        wheel.unpack()
    importlib.invalidate_caches()
    _tell_result(done["installed"], stale, options.tell)
    return [(name, version) for name, version in done["installed"]]


def _wheel_path(text: str) -> str | None:
    """Return the path of a wheel in the sandbox, if that is what is meant."""
    for scheme in ("file://", "file:", "emfs:"):
        if text.startswith(scheme):
            return text.removeprefix(scheme)
    is_wheel = text.partition("[")[0].endswith(".whl")
    return text if is_wheel and "://" not in text else None


def _tell_plan(packages: list[dict[str, Any]], tell: Callable[[str], None]) -> None:
    coming = [it for it in packages if not it["is_ready"]]
    if coming:
        names = ", ".join(f"{it['name']} {it['version']}" for it in coming)
        sizes = [it["size_bytes"] for it in coming]
        known = None not in sizes
        tell(f"Loading {names}{f' ({size_text(sum(sizes))})' if known else ''}")


def _tell_result(
    new: list[tuple[str, str]],
    stale: dict[str, str],
    tell: Callable[[str], None],
) -> None:
    tell("Installed " + ", ".join(f"{name} {version}" for name, version in new))
    for name, version in new:
        if name in stale and stale[name] != version:
            tell(
                f"{name} {stale[name]} is imported already and stays in use; "
                f"restart the runtime to use {version}"
            )


def _imported_versions(packages: list[dict[str, Any]]) -> dict[str, str]:
    """Return the versions of packages that were imported before they are replaced."""
    found = {}
    for package in packages:
        try:
            old = distribution(package["name"])
        except PackageNotFoundError:
            continue
        if any(module in sys.modules for module in _modules(old)):
            found[package["name"]] = old.version
    return found


def _modules(package: Distribution) -> set[str]:
    tops = {file.parts[0] for file in package.files or [] if file.suffix == ".py"}
    return {top.removesuffix(".py") for top in tops}


def read_requirements(
    path: str, options: InstallOptions, *, constraint: bool = False
) -> list[str]:
    """Return what a requirements file in the sandbox asks for, with all it includes.

    Raises:
        PackageError: it cannot be read, or makes no sense.
    """
    wanted: list[str] = []
    waiting, seen = [(Path(path), constraint)], set()
    while waiting:
        place, is_constraint = waiting.pop(0)
        if place.resolve() in seen or len(seen) > _MAX_FILES:
            continue
        seen.add(place.resolve())
        found = _read_one(client(), place)
        options.pre |= found["pre"]
        options.hashes |= found["hashes"]
        beside = place.parent
        waiting += [(beside / it, is_constraint) for it in found["includes"]]
        waiting += [(beside / it, True) for it in found["constraints"]]
        (options.constraints if is_constraint else wanted).extend(found["requirements"])
        if not is_constraint:
            wanted += [str(beside / it) for it in found["wheels"]]
    return wanted


def _read_one(supervisor: PackageClient, path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackageError(f"{path} cannot be read: {error}") from None
    try:
        return supervisor.ask("read_requirements", text=text)
    except PackageError as error:
        raise PackageError(f"{path}: {error}") from None


def uninstall(names: Sequence[str], tell: Callable[[str], None]) -> None:
    """Take packages away; what is imported stays imported.

    Raises:
        PackageError: the sandbox itself needs one of them.
    """
    supervisor = client()
    gone = [it for name in names if (it := _user_site.remove(name))]
    answer = supervisor.ask("uninstall_packages", names=list(names))
    supervisor.show(answer)
    gone += [(name, version) for name, version in answer["uninstalled"]]
    if gone:
        tell("Uninstalled " + ", ".join(f"{name} {version}" for name, version in gone))
    known = {_canonical(name) for name, _ in gone}
    for name in names:
        if _canonical(name) not in known:
            tell(f"{name} is not installed")


def installed() -> list[Distribution]:
    """Return what is there, by name; where two versions are, the one that counts."""
    found: dict[str, Distribution] = {}
    for it in all_distributions():
        found.setdefault(_canonical(it.metadata["Name"]), it)
    return [found[name] for name in sorted(found)]


def show(name: str) -> str:
    """Return what is known of an installed package.

    Raises:
        PackageError: it is not installed.
    """
    try:
        it = distribution(name)
    except PackageNotFoundError:
        raise PackageError(f"{name} is not installed") from None
    needed_by = [
        other.metadata["Name"]
        for other in installed()
        if _canonical(name) in _needs(other)
    ]
    lines = {
        "Name": it.metadata["Name"],
        "Version": it.version,
        "Summary": it.metadata.get("Summary", ""),
        "Home-page": it.metadata.get("Home-page", ""),
        "Author": it.metadata.get("Author", ""),
        "License": it.metadata.get("License-Expression", it.metadata.get("License")),
        "Location": str(it.locate_file("")),
        "Requires": ", ".join(sorted(_needs(it))),
        "Required-by": ", ".join(sorted(needed_by)),
    }
    return "\n".join(f"{key}: {value or ''}" for key, value in lines.items())


def _needs(package: Distribution) -> set[str]:
    """Return the names of what a package needs, its extras left aside."""
    return {
        _required_name(requirement)
        for requirement in package.requires or []
        if "extra ==" not in requirement
    }


def _required_name(requirement: str) -> str:
    name = requirement
    for end in " ;[(<>=!~":
        name = name.partition(end)[0]
    return _canonical(name)


def _canonical(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()
