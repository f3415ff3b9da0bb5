"""Errors of the package cache, split by who is at fault.

WorkerError
└── PackageError
    ├── UnknownPackageError       the caller: no lock file knows the name
    ├── RequirementError          the caller: a requirement makes no sense
    ├── ResolutionError           no set of packages satisfies all requirements
    ├── LockFileError             the installation: a lock file makes no sense
    ├── PackageSourceError        one source failed; another may still have it
    ├── PackageUnavailableError   every source was tried, none delivered
    ├── HashMismatchError         a source delivered something else
    ├── ArchiveError              an archive is broken or hostile
    └── PackageCacheError         the host: the cache cannot be written or read
"""

from collections.abc import Sequence
from pathlib import Path

from runt_worker._errors import WorkerError


class PackageError(WorkerError):
    """Base of everything that can go wrong between a name and its files."""


class UnknownPackageError(PackageError):
    """No lock file knows this package.

    Attributes:
        name: The name as it was asked for.
        similar: Known names that are spelled alike, best first.
    """

    def __init__(self, name: str, similar: Sequence[str] = ()) -> None:
        self.name = name
        self.similar = tuple(similar)
        hint = f" Did you mean {' or '.join(self.similar)}?" if similar else ""
        super().__init__(f"Pyodide has no package named {name!r}.{hint}")


class RequirementError(PackageError):
    """A requirement, or a file of requirements, makes no sense here.

    Attributes:
        requirement: What was asked for.
        reason: What is wrong with it.
    """

    def __init__(self, requirement: str, reason: str) -> None:
        self.requirement = requirement
        self.reason = reason
        super().__init__(f"{requirement}: {reason}.")


class ResolutionError(PackageError):
    """No set of packages satisfies all requirements; the text says why."""


class LockFileError(PackageError):
    """A lock file cannot be understood.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The package lock file is not usable: {reason}")


class PackageSourceError(PackageError):
    """One source failed to deliver; it may have the file or not.

    Attributes:
        source: The source's name.
        reason: What happened, without addresses that may hold credentials.
    """

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"{source}: {reason}")


class PackageUnavailableError(PackageError):
    """No source delivered a package.

    Attributes:
        file_name: The file that was looked for.
        attempts: Pairs of source name and reason, in the order they were tried.
    """

    def __init__(self, file_name: str, attempts: Sequence[tuple[str, str]]) -> None:
        self.file_name = file_name
        self.attempts = tuple(attempts)
        tried = "".join(f"\n  - {source}: {reason}" for source, reason in attempts)
        super().__init__(
            f"{file_name} is not in the package cache and could not be fetched."
            f"{tried or ' No source is configured.'}\n"
            "Put the file into a directory and name it with --packages DIR, "
            "or add it to the cache with: runt packages add PATH",
        )


class HashMismatchError(PackageError):
    """A source delivered a file under the right name with the wrong bytes.

    Attributes:
        file_name: The file that was asked for.
        source: Who delivered it.
        expected: The SHA-256 that the lock file demands, in hex.
        actual: The SHA-256 of what came.
    """

    def __init__(
        self, *, file_name: str, source: str, expected: str, actual: str
    ) -> None:
        self.file_name = file_name
        self.source = source
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"{source} delivered a {file_name} that is not the locked one and was "
            f"refused.\n  expected SHA-256 {expected}\n  received SHA-256 {actual}",
        )


class ArchiveError(PackageError):
    """An archive is broken, or tries something that no package needs.

    Attributes:
        archive: The archive's file name.
        reason: What is wrong with it.
    """

    def __init__(self, archive: str, reason: str) -> None:
        self.archive = archive
        self.reason = reason
        super().__init__(f"{archive} was not unpacked: {reason}")


class PackageCacheError(PackageError):
    """The operating system refused something below the cache directory.

    Attributes:
        path: The cache directory.
        reason: The operating system's own words.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"The package cache {path} cannot be used: {reason}")
