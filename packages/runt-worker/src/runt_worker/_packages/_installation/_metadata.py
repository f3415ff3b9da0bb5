"""What a wheel says of itself, read without downloading it where that is possible."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from runt_worker._packages._errors import ArchiveError
from runt_worker._packages._index import MAX_METADATA_BYTES, read_metadata

_MAX_REQUIREMENTS = 5000


@dataclass(frozen=True, kw_only=True)
class WheelMetadata:
    """The part of METADATA that resolving needs.

    Attributes:
        requires: Every requirement, those of extras included.
        requires_python: Which Pythons it takes; None: any.
        extras: The canonical names of its extras.
    """

    requires: tuple[Requirement, ...]
    requires_python: str | None
    extras: frozenset[str]

    @classmethod
    def nothing(cls) -> "WheelMetadata":
        """Return what is known of a package that says nothing."""
        return cls(requires=(), requires_python=None, extras=frozenset())

    @classmethod
    def parse(cls, file_name: str, data: bytes) -> "WheelMetadata":
        """Parse the content of a METADATA file.

        Args:
            file_name: The wheel's, for the error.
            data: The content.

        Raises:
            ArchiveError: A requirement in it makes no sense, or it is too large.
        """
        if len(data) > MAX_METADATA_BYTES:
            reason = f"its metadata is larger than {MAX_METADATA_BYTES} bytes"
            raise ArchiveError(file_name, reason)
        raw, _ = parse_email(data)
        lines = raw.get("requires_dist", [])
        if len(lines) > _MAX_REQUIREMENTS:
            raise ArchiveError(file_name, f"it has {len(lines)} requirements")
        try:
            requires = tuple(Requirement(line) for line in lines)
        except InvalidRequirement as error:
            reason = f"its metadata makes no sense: {error}".partition("\n")[0]
            raise ArchiveError(file_name, reason) from error
        return cls(
            requires=requires,
            requires_python=raw.get("requires_python"),
            extras=frozenset(
                canonicalize_name(extra) for extra in raw.get("provides_extra", [])
            ),
        )


def metadata_of_wheel(path: Path) -> WheelMetadata:
    """Read the metadata of a wheel on disk.

    Args:
        path: The wheel.

    Raises:
        ArchiveError: It is broken, or has no metadata.
        OSError: It cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return WheelMetadata.parse(path.name, read_metadata(archive, path.name))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ArchiveError(path.name, str(error) or "it ends too early") from error
    except (NotImplementedError, RuntimeError) as error:
        raise ArchiveError(path.name, str(error)) from error


def metadata_of_tree(tree: Path, file_name: str) -> WheelMetadata:
    """Read the metadata of an unpacked wheel.

    Args:
        tree: The directory.
        file_name: The wheel's, for the error.

    Raises:
        ArchiveError: There is none.
        OSError: It cannot be read.
    """
    for path in tree.glob("*.dist-info/METADATA"):
        return WheelMetadata.parse(file_name, path.read_bytes())
    raise ArchiveError(file_name, "it has no metadata")
