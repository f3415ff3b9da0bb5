"""HTTP as the sources need it: one session, downloads, failures put into words.

The HTTP libraries take a quarter of a second to import. A warm cache needs none of
them, so they are imported when something is fetched for the first time.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from ._errors import PackageSourceError
from ._pip_config import PipConfig
from ._sources import PackageSink

if TYPE_CHECKING:
    import requests

CONNECT_TIMEOUT_S = 5.0
"""A host that does not answer within this is not there; some networks drop silently."""

READ_TIMEOUT_S = 30.0
"""The longest silence within an answer."""

PAGE_TIMEOUT_S = 60.0
"""For a page or metadata as a whole: a host that sends drop by drop is of no use."""

TIMEOUT_S = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)

RETRY_AFTER_S = 60.0
"""How long a host that could not be reached is not asked again."""

_CHUNK_BYTES = 1 << 16


class Outage:
    """Remembers that a host is away, so that ten packages do not wait ten times.

    Attributes:
        source: The source that asks the host.

    Args:
        source: The source that asks the host.
        clock: Seconds that only grow.
    """

    def __init__(
        self, source: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.source = source
        self._clock = clock
        self._reason = ""
        self._until = clock()

    def check(self) -> None:
        """Let pass unless the host was away a moment ago.

        Raises:
            PackageSourceError: It was; the reason is the one of then.
        """
        if self._clock() < self._until:
            raise PackageSourceError(self.source, self._reason)

    def begin(self, reason: str) -> PackageSourceError:
        """Remember that the host is away.

        Args:
            reason: What happened.

        Returns:
            The error to raise.
        """
        self._reason = reason
        self._until = self._clock() + RETRY_AFTER_S
        return PackageSourceError(self.source, reason)


def open_session(config: PipConfig) -> "requests.Session":
    """Return a session that goes through the user's proxy with their certificates.

    Args:
        config: What pip is told; the usual variables (`HTTPS_PROXY`,
            `REQUESTS_CA_BUNDLE`, `NO_PROXY`…) hold besides.
    """
    import requests  # noqa: PLC0415 - see the module's docstring

    session = requests.Session()
    if config.cert:
        session.verify = config.cert
    if config.proxy:
        session.proxies = {"http": config.proxy, "https": config.proxy}
    return session


def download(
    session: "requests.Session", url: str, sink: PackageSink, outage: Outage
) -> bool:
    """Write what an address serves into a sink.

    Args:
        session: From `open_session`.
        url: The address.
        sink: Where the bytes go.
        outage: Of the host; it is asked first and told.

    Returns:
        False if there is nothing at that address.

    Raises:
        PackageSourceError: The host is away, refused, or broke off.
    """
    import requests  # noqa: PLC0415 - see the module's docstring

    outage.check()
    try:
        with session.get(url, stream=True, timeout=TIMEOUT_S) as response:
            if response.status_code == HTTPStatus.NOT_FOUND:
                return False
            response.raise_for_status()
            length = response.headers.get("Content-Length")
            # The length of a compressed answer is not the file's.
            compressed = "Content-Encoding" in response.headers
            sink.expect(None if length is None or compressed else int(length))
            for chunk in response.iter_content(_CHUNK_BYTES):
                sink.write(chunk)
    except requests.HTTPError as error:
        # The host is there; it may have other files.
        raise PackageSourceError(outage.source, failure_reason(error)) from error
    except requests.RequestException as error:
        raise outage.begin(failure_reason(error)) from error
    return True


@dataclass(frozen=True, kw_only=True)
class Page:
    """What an address served.

    Attributes:
        url: The address, after redirections.
        content: The whole body.
        content_type: Its media type, without parameters.
    """

    url: str
    content: bytes
    content_type: str


def read_bounded(
    session: "requests.Session", url: str, max_bytes: int, outage: Outage
) -> bytes | None:
    """Return what an address serves, or None if there is nothing.

    Args:
        session: From `open_session`.
        url: The address.
        max_bytes: How long it may be.
        outage: Of the host; it is asked first and told.

    Raises:
        PackageSourceError: The host is away, refused, sent too much or too slowly.
    """
    page = read_page(session, url, max_bytes, outage)
    return None if page is None else page.content


def read_page(
    session: "requests.Session",
    url: str,
    max_bytes: int,
    outage: Outage,
    *,
    accept: str = "*/*",
) -> Page | None:
    """Return what an address serves with its type, or None if there is nothing.

    Args:
        session: From `open_session`.
        url: The address.
        max_bytes: How long it may be.
        outage: Of the host; it is asked first and told.
        accept: The media types that are understood.

    Raises:
        PackageSourceError: The host is away, refused, sent too much or too slowly.
    """
    import requests  # noqa: PLC0415 - see the module's docstring

    outage.check()
    give_up_at = time.monotonic() + PAGE_TIMEOUT_S
    try:
        with session.get(
            url, stream=True, timeout=TIMEOUT_S, headers={"Accept": accept}
        ) as response:
            if response.status_code == HTTPStatus.NOT_FOUND:
                return None
            response.raise_for_status()
            content = bytearray()
            for chunk in response.iter_content(_CHUNK_BYTES):
                content += chunk
                if len(content) > max_bytes:
                    reason = f"sent more than {max_bytes} bytes"
                    raise PackageSourceError(outage.source, reason)
                if time.monotonic() > give_up_at:
                    raise outage.begin("did not answer in time")
            kind = response.headers.get("Content-Type", "").partition(";")[0]
            return Page(
                url=response.url, content=bytes(content), content_type=kind.strip()
            )
    except requests.HTTPError as error:
        raise PackageSourceError(outage.source, failure_reason(error)) from error
    except requests.RequestException as error:
        raise outage.begin(failure_reason(error)) from error


def failure_reason(error: Exception) -> str:
    """Put a failure of an HTTP library into words, without anybody's password.

    Args:
        error: What was raised.
    """
    import requests  # noqa: PLC0415 - see the module's docstring

    match error:
        case requests.HTTPError(response=requests.Response() as response):
            return f"answered {response.status_code} {response.reason}"
        case requests.Timeout():
            return "did not answer in time"
        case requests.exceptions.SSLError():
            return f"has a certificate that is not accepted: {_censored(error)}"
        case requests.exceptions.ProxyError():
            return "cannot be reached through the proxy"
        case requests.ConnectionError():
            return "cannot be reached"
        case _:
            return f"{type(error).__name__}: {_censored(error)}"


def _censored(error: Exception) -> str:
    return re.sub(r"//[^/@\s]+@", "//***@", str(error))
