"""Packages of Pyodide out of a wheel that carries them, where there is no CDN."""

import threading
import zipfile
import zlib

import msgspec

from ._errors import PackageSourceError
from ._http import TIMEOUT_S, Outage, failure_reason
from ._index import PackageIndex
from ._pins import Pin
from ._sources import PackageSink

_CHUNK_BYTES = 1 << 18


class Carrier(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel on the package index with wheels of Pyodide among its files.

    Attributes:
        project: The project on the index.
        file_name: The wheel.
    """

    project: str
    file_name: str


OPEN_WEBUI = Carrier(
    project="open-webui", file_name="open_webui-0.12.4-py3-none-any.whl"
)
"""Carries some fifty packages of Pyodide 314.0.3 with the lock's own hashes."""


class CarrierWheelSource:
    """Reads single members of a wheel on the index, by HTTP range requests.

    Args:
        index: The index that has the wheel.
        carrier: The wheel.
    """

    def __init__(self, index: PackageIndex, carrier: Carrier = OPEN_WEBUI) -> None:
        self._index = index
        self._carrier = carrier
        self._outage = Outage(self.name)
        # The remote archive has one position, as any file has.
        self._lock = threading.Lock()
        self._archive: zipfile.ZipFile | None = None

    @property
    def name(self) -> str:
        """The wheel and where it is."""
        return f"{self._carrier.file_name} on {self._index.name}"

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        """Read a file out of the wheel.

        Args:
            pin: The file that is wanted.
            sink: Where its bytes go.

        Returns:
            False if the wheel does not carry it.

        Raises:
            PackageSourceError: The index is away, has no such wheel, or serves no
                ranges.
        """
        # Imported late for the reason that _http.py gives.
        import requests  # noqa: PLC0415
        from remotezip import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - it has none
            RangeNotSupported,
            RemoteZipError,
        )
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        with self._lock:
            self._outage.check()
            try:
                return self._read(pin, sink)
            except RangeNotSupported as error:
                reason = "this index serves no byte ranges, so nothing can be read out"
                raise self._outage.begin(reason) from error
            except (
                requests.RequestException,
                RemoteZipError,
                HTTPError,
                zipfile.BadZipFile,
                zlib.error,
                EOFError,
            ) as error:
                self._archive = None
                raise self._outage.begin(failure_reason(error)) from error

    def _read(self, pin: Pin, sink: PackageSink) -> bool:
        if self._archive is None:
            self._archive = self._open()
        for member in self._archive.infolist():
            if member.filename.rpartition("/")[2] == pin.file_name:
                sink.expect(member.file_size)
                with self._archive.open(member) as file:
                    while chunk := file.read(_CHUNK_BYTES):
                        sink.write(chunk)
                return True
        return False

    def _open(self) -> zipfile.ZipFile:
        from remotezip import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as above
            RemoteZip,
        )

        for file in self._index.files(self._carrier.project):
            if file.filename == self._carrier.file_name:
                return RemoteZip(
                    file.url, session=self._index.session, timeout=TIMEOUT_S
                )
        raise PackageSourceError(self.name, "the index does not have it")
