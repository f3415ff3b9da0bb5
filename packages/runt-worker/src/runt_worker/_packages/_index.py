"""The Python package index that the user's pip would ask, and it as a source."""

import hashlib
import time
import zipfile
import zlib
from typing import TYPE_CHECKING

import msgspec

from ._errors import ArchiveError, HashMismatchError, PackageSourceError
from ._http import (
    TIMEOUT_S,
    Outage,
    download,
    failure_reason,
    open_session,
    read_bounded,
    read_page,
)
from ._pins import Pin
from ._pip_config import PipConfig, read_pip_config
from ._sources import PackageSink

if TYPE_CHECKING:
    import requests
    from pypi_simple import DistributionPackage

MAX_PAGE_BYTES = 64 << 20
"""The largest projects have pages of some 20 MB."""

MAX_METADATA_BYTES = 8 << 20
"""Nobody's is larger: a long README makes 100 KB."""

_PAGE_AGE_S = 60.0
"""How long a project's page is not asked for again: one installation needs it twice."""


class PackageIndex:
    """Lists and downloads files of projects; no host is named here.

    Args:
        config: Which index; read from pip's configuration unless given.
    """

    name = "the Python package index"

    def __init__(self, config: PipConfig | None = None) -> None:
        self._config = read_pip_config() if config is None else config
        self._outage = Outage(self.name)
        self._session: requests.Session | None = None
        self._pages: dict[str, tuple[float, list[DistributionPackage]]] = {}

    @property
    def session(self) -> "requests.Session":
        """The session with the user's proxy and certificates."""
        if self._session is None:
            self._session = open_session(self._config)
        return self._session

    def files(self, project: str) -> list["DistributionPackage"]:
        """Return the files of a project in all indexes, the main one's first.

        Args:
            project: Its name.

        Raises:
            PackageSourceError: No index may be asked, or one is away or makes no sense.
        """
        if self._config.no_index:
            raise PackageSourceError(self.name, "pip is configured with no-index")
        if not self._config.index_urls:
            reason = "pip is configured with no index that speaks HTTP"
            raise PackageSourceError(self.name, reason)
        read_at, files = self._pages.get(project, (0.0, []))
        if not read_at or time.monotonic() - read_at > _PAGE_AGE_S:
            self._outage.check()
            files = [
                file
                for index_url in self._config.index_urls
                for file in self._files_of_one(index_url, project)
            ]
            self._pages[project] = time.monotonic(), files
        return files

    def metadata(self, file: "DistributionPackage") -> bytes | None:
        """Return the METADATA of a wheel without downloading all of it, if possible.

        Args:
            file: A wheel, as `files` gave it.

        Returns:
            The file's content; None if the index serves it neither alone nor in part.

        Raises:
            PackageSourceError: The index is away, refused, or broke off.
            HashMismatchError: The metadata is not what the index says it is.
            ArchiveError: The wheel's directory makes no sense.

        Source: PEP 658, and HTTP range requests.
        """
        self._outage.check()
        if file.has_metadata:
            data = read_bounded(
                self.session, file.metadata_url, MAX_METADATA_BYTES, self._outage
            )
            if data is not None:
                _check_metadata(file, data, self.name)
                return data
        return self._metadata_by_range(file)

    def _metadata_by_range(self, file: "DistributionPackage") -> bytes | None:
        # Imported late for the reason that _http.py gives.
        import requests  # noqa: PLC0415
        from remotezip import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - it has none
            RemoteZip,
            RemoteZipError,
        )

        try:
            with RemoteZip(
                file.url, session=self.session, timeout=TIMEOUT_S
            ) as archive:
                return read_metadata(archive, file.filename)
        except RemoteZipError:
            return None
        except requests.RequestException as error:
            raise self._outage.begin(failure_reason(error)) from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ArchiveError(file.filename, str(error) or "ends too early") from error

    def download(self, url: str, sink: PackageSink) -> bool:
        """Download a file of the index.

        Args:
            url: Its address, as `files` gave it.
            sink: Where its bytes go.

        Returns:
            False if it is not there.

        Raises:
            PackageSourceError: The host is away, refused, or broke off.
        """
        return download(self.session, url, sink, self._outage)

    def _files_of_one(
        self, index_url: str | None, project: str
    ) -> list["DistributionPackage"]:
        # Imported late for the reason that _http.py gives.
        from pypi_simple import (  # noqa: PLC0415
            ACCEPT_ANY,
            PYPI_SIMPLE_ENDPOINT,
            ProjectPage,
            PyPISimple,
            UnsupportedRepoVersionError,
        )

        client = PyPISimple(index_url or PYPI_SIMPLE_ENDPOINT, session=self.session)
        page = read_page(
            self.session,
            client.get_project_url(project),
            MAX_PAGE_BYTES,
            self._outage,
            accept=ACCEPT_ANY,
        )
        if page is None:
            return []
        try:
            match page.content_type:
                case "application/vnd.pypi.simple.v1+json":
                    content = msgspec.json.decode(page.content)
                    return ProjectPage.from_json_data(content, page.url).packages
                case "application/vnd.pypi.simple.v1+html" | "text/html" | "":
                    return ProjectPage.from_html(
                        project, page.content, page.url
                    ).packages
                case kind:
                    reason = f"answered with {kind}, which is no page of an index"
                    raise PackageSourceError(self.name, reason)
        except (
            UnsupportedRepoVersionError,
            msgspec.DecodeError,
            RecursionError,
            ValueError,  # what pydantic and URL parsers raise
        ) as error:
            raise PackageSourceError(self.name, failure_reason(error)) from error


class PyPISource:
    """Serves pins whose very file was uploaded to the index.

    Pyodide builds even pure wheels anew, so this has IPython and its kin and little of
    Pyodide's lock.

    Args:
        index: The index to ask.
    """

    def __init__(self, index: PackageIndex) -> None:
        self._index = index

    @property
    def name(self) -> str:
        """The index."""
        return self._index.name

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        """Download a file if the index says that it has just these bytes.

        Args:
            pin: The file that is wanted.
            sink: Where its bytes go.

        Returns:
            False if the index has no file with the pin's hash.

        Raises:
            PackageSourceError: The index is away, refused, or broke off.
        """
        for file in self._index.files(pin.name):
            if file.digests.get("sha256") == pin.sha256:
                return self._index.download(file.url, sink)
        return False


def read_metadata(archive: zipfile.ZipFile, file_name: str) -> bytes:
    """Return the content of the METADATA of an open wheel, local or remote.

    Args:
        archive: The wheel.
        file_name: The wheel's, for the error.

    Raises:
        ArchiveError: It has none, several, or one that is too large.
        zipfile.BadZipFile: The archive is broken.
    """
    found = [
        info
        for info in archive.infolist()
        if info.filename.count("/") == 1
        and info.filename.endswith(".dist-info/METADATA")
    ]
    if len(found) != 1:
        raise ArchiveError(file_name, f"it has {len(found)} files of metadata")
    with archive.open(found[0]) as file:
        data = file.read(MAX_METADATA_BYTES + 1)
    if len(data) > MAX_METADATA_BYTES:
        reason = f"its metadata is larger than {MAX_METADATA_BYTES} bytes"
        raise ArchiveError(file_name, reason)
    return data


def _check_metadata(file: "DistributionPackage", data: bytes, source: str) -> None:
    expected = (file.metadata_digests or {}).get("sha256")
    actual = hashlib.sha256(data).hexdigest()
    if expected is not None and actual != expected:
        raise HashMismatchError(
            file_name=f"{file.filename}.metadata",
            source=source,
            expected=expected,
            actual=actual,
        )
