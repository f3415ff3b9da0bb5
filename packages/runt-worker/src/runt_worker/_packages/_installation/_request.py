"""What somebody wants installed, parsed once; its texts may come from a guest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidWheelFilename,
    canonicalize_name,
    parse_wheel_filename,
)

from runt_worker._packages._errors import RequirementError

MAX_REQUIREMENTS = 500
"""In one request; a requirements file of a large project has some 300."""

MAX_CHARACTERS = 2000
"""Of one requirement, markers and hashes included."""


def parse_requirement(text: str) -> Requirement:
    """Parse one requirement of a user's: a name, extras, versions, a marker.

    Args:
        text: As in ``pip install``.

    Raises:
        RequirementError: It is malformed, too long, or names an address.
    """
    if len(text) > MAX_CHARACTERS:
        raise RequirementError(
            f"{text[:60]}…", f"it is longer than {MAX_CHARACTERS} characters"
        )
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        if "://" in text:
            raise RequirementError(text, ADDRESS) from error
        reason = str(error).partition("\n")[0]
        raise RequirementError(text, f"it is no requirement: {reason}") from error
    if requirement.url:
        raise RequirementError(text, ADDRESS)
    return requirement


ADDRESS = (
    "packages come from the package index that runt is configured with, and from "
    "nowhere else; mount a directory with the wheel and install it by its path"
)
"""A cell must not be able to send the supervisor to an address of its choice."""


@dataclass(frozen=True, kw_only=True)
class LocalWheel:
    """A wheel that the guest has itself and unpacks itself.

    Attributes:
        file_name: Its name, which says what it is for.
        name: The distribution's canonical name.
        version: Its version.
        requires: What it says that it needs.
        requires_python: Which Pythons it says that it takes.
        extras: Those of its extras that are asked for.
    """

    file_name: str
    name: str
    version: str
    requires: tuple[Requirement, ...]
    requires_python: str | None
    extras: frozenset[str]

    @classmethod
    def parse(
        cls,
        file_name: str,
        requires: Sequence[str],
        *,
        requires_python: str | None = None,
        extras: Iterable[str] = (),
    ) -> Self:
        """Parse what a guest says of a wheel.

        Args:
            file_name: The wheel's.
            requires: The lines of `Requires-Dist`.
            requires_python: The line of `Requires-Python`.
            extras: Extras that are asked for.

        Raises:
            RequirementError: It is no wheel's name, or a line makes no sense.
        """
        try:
            name, version, _, _ = parse_wheel_filename(file_name)
        except InvalidWheelFilename as error:
            reason = "a wheel's name has the form NAME-VERSION-PYTHON-ABI-PLATFORM.whl"
            raise RequirementError(file_name, reason) from error
        return cls(
            file_name=file_name,
            name=name,
            version=str(version),
            requires=tuple(parse_requirement(line) for line in requires),
            requires_python=requires_python,
            extras=frozenset(canonicalize_name(extra) for extra in extras),
        )


@dataclass(frozen=True, kw_only=True)
class InstallRequest:
    """What one ``%pip install`` asks for. Made by `parse`.

    Attributes:
        requirements: What shall be there afterwards.
        constraints: Versions for what is needed besides; installs nothing.
        hashes: SHA-256 sums that are accepted, by canonical name; a name that is not
            in it accepts any.
        wheels: Wheels that the guest unpacks itself.
        upgrade: Take the newest version also of what is there already.
        pre: Take pre-releases as well.
        no_deps: Leave out what the packages need.
    """

    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    hashes: dict[str, frozenset[str]]
    wheels: tuple[LocalWheel, ...] = ()
    upgrade: bool = False
    pre: bool = False
    no_deps: bool = False

    @classmethod
    def parse(  # noqa: PLR0913 - the options of one command
        cls,
        requirements: Sequence[str],
        *,
        constraints: Sequence[str] = (),
        hashes: dict[str, Sequence[str]] | None = None,
        wheels: Sequence[LocalWheel] = (),
        upgrade: bool = False,
        pre: bool = False,
        no_deps: bool = False,
    ) -> Self:
        """Parse a request.

        Args:
            requirements: As in ``pip install``.
            constraints: As in a constraints file.
            hashes: SHA-256 sums by name, as `parse_requirements_file` gives them.
            wheels: Wheels that the guest unpacks itself.
            upgrade: See the class.
            pre: See the class.
            no_deps: See the class.

        Raises:
            RequirementError: One of the texts makes no sense, or there are too many.
        """
        count = len(requirements) + len(constraints) + len(wheels)
        if count > MAX_REQUIREMENTS:
            raise RequirementError(
                f"{count} requirements", f"more than {MAX_REQUIREMENTS} at once"
            )
        return cls(
            requirements=tuple(parse_requirement(text) for text in requirements),
            constraints=tuple(parse_requirement(text) for text in constraints),
            hashes={
                canonicalize_name(name): frozenset(sums)
                for name, sums in (hashes or {}).items()
                if sums
            },
            wheels=tuple(wheels),
            upgrade=upgrade,
            pre=pre,
            no_deps=no_deps,
        )
