"""URLs as the guest asks for them: strict, since nobody else reads them again."""

import re
from dataclasses import dataclass
from typing import ClassVar, Self
from urllib.parse import quote, urljoin

from ._hosts import Host, HostError

_MAX_CHARACTERS = 64 * 1024
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<authority>[^/?#]*)"
    r"(?P<target>[^#]*)"
    r"(#.*)?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]*)(:(?P<port>[0-9]{0,5}))?")
_TARGET = re.compile(r"[!-\[\]-~]*")
"""Visible ASCII without the backslash, in which parsers differ."""

_MAX_PORT = 65535


class UrlError(ValueError):
    """A text is no URL that could be requested; the message says why."""


@dataclass(frozen=True, kw_only=True)
class HttpUrl:
    """Where a request goes. Made by `HttpUrl.parse` only.

    Attributes:
        scheme: ``http`` or ``https``.
        host: the host.
        port: the port, also if the text named none.
        target: path and query, as they are sent.
    """

    DEFAULT_PORTS: ClassVar = {"http": 80, "https": 443}

    scheme: str
    host: Host
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an absolute URL.

        Raises:
            UrlError: it is none, or not of HTTP.
        """
        found = _URL.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
        if found is None:
            raise UrlError(f"{text[:200]!r} is no URL with a host")
        scheme = found["scheme"].lower()
        if scheme not in cls.DEFAULT_PORTS:
            raise UrlError(f"only http and https can be requested, not {scheme!r}")
        if "@" in found["authority"]:
            raise UrlError("name and password have no place in a URL here")
        authority = _AUTHORITY.fullmatch(found["authority"])
        if authority is None or not _TARGET.fullmatch(found["target"]):
            raise UrlError(f"{text[:200]!r} is no URL")
        try:
            host = Host.parse(authority["host"])
        except HostError as error:
            raise UrlError(str(error)) from None
        port = int(authority["port"] or cls.DEFAULT_PORTS[scheme])
        if not 0 < port <= _MAX_PORT:
            raise UrlError(f"{port} is no port")
        target = found["target"]
        if not target.startswith("/"):
            target = "/" + target
        return cls(scheme=scheme, host=host, port=port, target=target)

    @property
    def origin(self) -> tuple[str, str, int]:
        """What has to be the same for secrets to be sent along."""
        return self.scheme, self.host.text, self.port

    @property
    def authority(self) -> str:
        """Host and port, this one only if it is not the scheme's own."""
        is_default = self.port == self.DEFAULT_PORTS[self.scheme]
        return str(self.host) if is_default else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> Self:
        """Return where a redirection leads.

        Args:
            location: what the server sent, an absolute URL or a relative one.

        Raises:
            UrlError: nowhere.
        """
        # Servers send what they like; what is no URL character is escaped.
        escaped = quote(location, safe="!#$%&'()*+,/:;=?@[]~")
        try:
            return self.parse(urljoin(str(self), escaped))
        except UrlError:
            raise
        except ValueError as error:
            raise UrlError(str(error)) from None
