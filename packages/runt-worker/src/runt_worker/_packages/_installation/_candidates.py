"""What could be installed of one project, and why some of it could not."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from runt_worker._packages._pins import IndexPin, Pin, is_file_name, is_sha256

from ._environment import SandboxEnvironment


class Origin(Enum):
    """Where a candidate comes from; the value is what people are told."""

    SESSION = "already there"
    LOCAL = "the wheel that was named"
    LOCK = "Pyodide"
    CACHE = "the package cache"
    DIRECTORY = "the directory of --packages"
    INDEX = "the package index"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One version of one project, in one file.

    Attributes:
        name: The project's canonical name.
        version: The version.
        origin: Where it comes from.
        pin: The file; None if it is there already, or the guest's own.
        extras: The extras that are asked for; dependencies beside its own.
        size_bytes: The file's length, if it is known.
        host_path: Where it lies: a wheel in the user's directory, or unpacked in the
            session.
    """

    name: str
    version: Version
    origin: Origin
    pin: Pin | None = None
    extras: frozenset[str] = frozenset()
    size_bytes: int | None = field(default=None, compare=False)
    host_path: Path | None = field(default=None, compare=False)


@dataclass(kw_only=True)
class ProjectReport:
    """What was seen of a project on the way to its candidates.

    Attributes:
        name: The project's canonical name.
        failure: Why the index could not be asked, if so.
        sdists: Versions that have a source archive.
        other_wheels: Versions with wheels for other platforms, and an example of each.
        other_pythons: Versions that exclude the sandbox's Python, and how.
        unusable: Files that fit and are broken, and why.
    """

    name: str
    failure: str | None = None
    sdists: set[Version] = field(default_factory=set[Version])
    other_wheels: dict[Version, str] = field(default_factory=dict[Version, str])
    other_pythons: dict[Version, str] = field(default_factory=dict[Version, str])
    unusable: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was seen."""
        return not (
            self.sdists or self.other_wheels or self.other_pythons or self.unusable
        )

    def note_other_wheel(self, version: Version, file_name: str) -> None:
        """Note a wheel for another platform; the best known one is the example.

        Args:
            version: Its version.
            file_name: The wheel.
        """
        if version not in self.other_wheels or "manylinux" in file_name:
            self.other_wheels[version] = file_name


def version_of(text: str | None) -> Version | None:
    """Parse a version, or return None if it is none.

    Args:
        text: A version, as an index or a file name spells it.
    """
    try:
        return None if text is None else Version(text)
    except InvalidVersion:
        return None


def wheel_candidate(  # noqa: PLR0913 - what is known of one file
    environment: SandboxEnvironment,
    *,
    file_name: str,
    sha256: str | None,
    origin: Origin,
    size_bytes: int | None,
    host_path: Path | None = None,
) -> Candidate | None:
    """Return a wheel as a candidate if it fits the sandbox and has a hash.

    Args:
        environment: What it has to fit.
        file_name: Its name, which says what it is.
        sha256: The hash that its bytes must have, in hex.
        origin: Where it comes from.
        size_bytes: Its length, if it is known.
        host_path: Where it lies, if it is in the user's directory.
    """
    if environment.wheel_rank(file_name) is None or not is_file_name(file_name):
        return None
    if sha256 is None or not is_sha256(sha256):
        return None
    try:
        name, version, _, _ = parse_wheel_filename(file_name)
    except InvalidWheelFilename:
        return None
    pin = IndexPin(name=name, version=str(version), file_name=file_name, sha256=sha256)
    return Candidate(
        name=name,
        version=version,
        origin=origin,
        pin=pin,
        size_bytes=size_bytes,
        host_path=host_path,
    )
