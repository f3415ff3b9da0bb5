"""``requirements.txt``: which requirements it names, and what it asks for besides."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from runt_worker._packages._errors import RequirementError

from ._request import InstallRequest, parse_requirement

MAX_FILE_CHARACTERS = 1 << 20
"""Some twenty thousand lines."""

_COMMENT = re.compile(r"(^|\s+)#.*$")
_OPTION = re.compile(r"\A(--?[A-Za-z][A-Za-z-]*)(?:[ =]\s*|\s*\Z)?(.*)\Z", re.DOTALL)
_HASH = re.compile(r"\s--hash[= ](\S+)")
_SHA256 = re.compile(r"\Asha256:([0-9a-f]{64})\Z")

_IGNORED = frozenset({"--prefer-binary", "--only-binary"})
"""Options that say what is so anyway."""


@dataclass(kw_only=True)
class RequirementsFile:
    """The content of one file; those that it includes are its reader's to find.

    Attributes:
        requirements: The requirements, without their hashes.
        hashes: The SHA-256 sums that stand beside them, by name.
        includes: Files named by ``-r``.
        constraints: Files named by ``-c``.
        wheels: Lines that are paths of wheels.
        pre: Whether it allows pre-releases.
    """

    requirements: list[str] = field(default_factory=list[str])
    hashes: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    includes: list[str] = field(default_factory=list[str])
    constraints: list[str] = field(default_factory=list[str])
    wheels: list[str] = field(default_factory=list[str])
    pre: bool = False


def parse_requirements_file(text: str) -> RequirementsFile:
    """Parse a requirements file without reading any other.

    Args:
        text: Its content.

    Raises:
        RequirementError: A line makes no sense here; the text names it.

    Source: pip's documentation «Requirements File Format».
    """
    if len(text) > MAX_FILE_CHARACTERS:
        reason = f"it has more than {MAX_FILE_CHARACTERS} characters"
        raise RequirementError("the requirements file", reason)
    found = RequirementsFile()
    for raw in re.sub(r"\\\r?\n", " ", text).splitlines():
        if line := _COMMENT.sub("", raw).strip():
            _take(found, line)
    return found


def _take(found: RequirementsFile, line: str) -> None:
    if option := _OPTION.match(line):
        _take_option(found, option[1], option[2].strip(), line)
    elif line.endswith(".whl") and "://" not in line:
        found.wheels.append(line)
    else:
        text = _HASH.sub("", line).strip()
        requirement = parse_requirement(text)
        found.requirements.append(text)
        sums = _HASH.findall(line)
        accepted = [match[1] for it in sums if (match := _SHA256.match(it))]
        if sums and not accepted:
            raise RequirementError(text, "none of its hashes is a SHA-256 sum")
        if accepted:
            found.hashes.setdefault(requirement.name, []).extend(accepted)


def _take_option(found: RequirementsFile, option: str, value: str, line: str) -> None:
    match option:
        case "-r" | "--requirement":
            found.includes.append(value)
        case "-c" | "--constraint":
            found.constraints.append(value)
        case "--pre":
            found.pre = True
        case (
            "-i"
            | "--index-url"
            | "--extra-index-url"
            | "-f"
            | "--find-links"
            | ("--no-index" | "--trusted-host")
        ):
            reason = (
                "which index is asked is decided outside the sandbox, by the pip "
                "configuration of whoever runs runt"
            )
            raise RequirementError(line, reason)
        case "-e" | "--editable":
            raise RequirementError(line, "nothing can be built in the sandbox")
        case _ if option not in _IGNORED:
            raise RequirementError(line, f"{option} has no meaning here")
        case _:
            pass


def request_of_lines(
    requirements: Iterable[str], constraints: Iterable[str] = ()
) -> InstallRequest:
    """Return the request that lines of requirements files make.

    Args:
        requirements: The lines; those that name further files have to be replaced by
            what is in them.
        constraints: Lines of constraints files, likewise.

    Raises:
        RequirementError: A line makes no sense, or names a file.
    """
    wanted = parse_requirements_file("\n".join(requirements))
    limits = parse_requirements_file("\n".join(constraints))
    for found in (wanted, limits):
        for name in (*found.includes, *found.constraints, *found.wheels):
            raise RequirementError(name, "files are not read here")
    return InstallRequest.parse(
        wanted.requirements,
        constraints=limits.requirements,
        hashes=dict(wanted.hashes),
        pre=wanted.pre,
    )
