"""Wheels that a cell has itself, e.g. from a mount: unpacked inside the sandbox.

The supervisor never reads them; it is told what they need, and fetches that.
"""

import shutil
import sys
import sysconfig
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from importlib.metadata import Distribution, MetadataPathFinder
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from runt_kernel._packages import PackageError

USER_SITE = Path("/home/pyodide/.local/lib/python3.14/site-packages")
"""Comes before site-packages, which is a read-only view of the supervisor's."""


class LocalWheel:
    """A wheel at a path of the sandbox.

    Attributes:
        path: where it lies.
        extras: those that are asked for.
    """

    def __init__(self, text: str) -> None:
        place, bracket, extras = text.partition(".whl[")
        self.path = Path(place + ".whl" if bracket else text)
        self.extras = [it.strip() for it in extras.rstrip("]").split(",") if bracket]
        if not self.path.is_file():
            raise PackageError(f"{self.path} does not exist")

    def describe(self) -> dict[str, object]:
        """Return what the supervisor has to know of it."""
        metadata = self._metadata()
        return {
            "file_name": self.path.name,
            "requires": metadata.get_all("Requires-Dist", []),
            "requires_python": metadata.get("Requires-Python"),
            "extras": self.extras,
        }

    def unpack(self) -> None:
        """Put its files into the user's site-packages."""
        remove(self.path.name.partition("-")[0])
        USER_SITE.mkdir(parents=True, exist_ok=True)
        written: list[Path] = []
        with ZipFile(self.path) as archive:
            for member in archive.namelist():
                if target := _target(PurePosixPath(member)):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(member) as source, target.open("wb") as file:
                        shutil.copyfileobj(source, file)
                    written.append(target)
        _write_record(written)
        _put_on_path()

    def _metadata(self) -> Message:
        try:
            with ZipFile(self.path) as archive:
                for member in archive.namelist():
                    if PurePosixPath(member).match("*.dist-info/METADATA"):
                        with archive.open(member) as file:
                            return BytesHeaderParser().parse(file)
        except (BadZipFile, OSError) as error:
            raise PackageError(f"{self.path} is no wheel: {error}") from None
        raise PackageError(f"{self.path} is no wheel: it has no metadata")


def _target(member: PurePosixPath) -> Path | None:
    """Return where a member of a wheel goes; None for scripts, headers and the like."""
    parts = member.parts
    if member.is_absolute() or ".." in parts or str(member).endswith("/"):
        return None
    if parts and parts[0].endswith(".data"):
        if len(parts) < 3 or parts[1] not in ("purelib", "platlib"):  # noqa: PLR2004
            return None
        parts = parts[2:]
    return USER_SITE.joinpath(*parts)


def installed() -> Iterator[Distribution]:
    """Return what was unpacked here."""
    if USER_SITE.is_dir():
        yield from Distribution.discover(path=[str(USER_SITE)])


def remove(name: str) -> tuple[str, str] | None:
    """Delete a distribution's files here; return name and version if there was one."""
    for found in installed():
        own = found.metadata["Name"]
        if _canonical(own) != _canonical(name):
            continue
        removed = own, found.version
        paths = [Path(str(found.locate_file(file))) for file in found.files or []]
        for path in paths:
            if path.is_relative_to(USER_SITE):
                path.unlink(missing_ok=True)
        _remove_empty({path.parent for path in paths})
        MetadataPathFinder.invalidate_caches()
        return removed
    return None


def _remove_empty(directories: set[Path]) -> None:
    for directory in sorted(directories, reverse=True):
        for place in (directory, *directory.parents):
            if place == USER_SITE or not place.is_relative_to(USER_SITE):
                break
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()


def _write_record(written: list[Path]) -> None:
    """List what was unpacked, whatever the wheel itself lists."""
    info = next(path.parent for path in written if path.name == "METADATA")
    record = info / "RECORD"
    places = [str(path.relative_to(USER_SITE)) for path in {*written, record}]
    record.write_text("".join(f'"{place}",,\n' for place in sorted(places)))


def _canonical(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def _put_on_path() -> None:
    if str(USER_SITE) not in sys.path:
        site_packages = sysconfig.get_path("purelib")
        places = [*sys.path, site_packages]
        sys.path.insert(places.index(site_packages), str(USER_SITE))
