"""The Python package index that the user's pip would ask, and it as a source."""

from typing import TYPE_CHECKING

from ._errors import PackageSourceError
from ._http import TIMEOUT_S, Outage, download, failure_reason, open_session
from ._pins import Pin
from ._pip_config import PipConfig, read_pip_config
from ._sources import PackageSink

if TYPE_CHECKING:
    import requests
    from pypi_simple import DistributionPackage


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
        self._outage.check()
        return [
            file
            for index_url in self._config.index_urls
            for file in self._files_of_one(index_url, project)
        ]

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
        import requests  # noqa: PLC0415
        from pypi_simple import (  # noqa: PLC0415
            PYPI_SIMPLE_ENDPOINT,
            NoSuchProjectError,
            PyPISimple,
            UnsupportedContentTypeError,
            UnsupportedRepoVersionError,
        )

        client = PyPISimple(index_url or PYPI_SIMPLE_ENDPOINT, session=self.session)
        try:
            page = client.get_project_page(project, timeout=TIMEOUT_S)
        except NoSuchProjectError:
            return []
        except requests.RequestException as error:
            raise self._outage.begin(failure_reason(error)) from error
        except (UnsupportedRepoVersionError, UnsupportedContentTypeError) as error:
            raise PackageSourceError(self.name, failure_reason(error)) from error
        return page.packages


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
