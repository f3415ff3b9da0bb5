"""Where a service is, and how requests to it are authorised.

A sync URL names the service: its HTTP endpoints (`/api/me`, `/api/artifacts`) have the
same origin. Source: protocol.md §1.
"""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, cast
from urllib.parse import urlsplit

from runt_agent._errors import ConfigError

_HTTP_SCHEMES: Final = {"ws": "http", "wss": "https"}
# What an HTTP header can carry. httpx and h11 quote a header that they refuse in their
# errors, so a token that they would refuse must never reach them.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_LONGEST_REASON: Final = 500


@dataclass(frozen=True, kw_only=True)
class Service:
    """A Runt service and the token that opens it.

    Attributes:
        sync_url: The URL of its sync endpoint, `ws://` or `wss://`.
        auth_token: The token; never part of the repr.
    """

    sync_url: str
    auth_token: str = field(repr=False)

    def __post_init__(self) -> None:
        """Check both values.

        Raises:
            ConfigError: The URL is no WebSocket URL, or the token cannot be sent.
        """
        http_origin(self.sync_url)
        if not _TOKEN.fullmatch(self.auth_token):
            raise ConfigError(
                "the auth token is empty or holds characters that no token has "
                "(spaces, line breaks, letters outside ASCII)"
            )

    @property
    def http_base(self) -> str:
        """The origin of the service's HTTP endpoints."""
        return http_origin(self.sync_url)

    @property
    def is_secure(self) -> bool:
        """Whether the service is reached over TLS."""
        return self.http_base.startswith("https:")

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the service listens on the loopback interface."""
        return is_on_this_machine(self.sync_url)

    def authorization(self) -> dict[str, str]:
        """Give the header that authorises a request."""
        return {"Authorization": f"Bearer {self.auth_token}"}


def http_origin(sync_url: str) -> str:
    """Derive the HTTP origin of a service from its sync URL.

    Args:
        sync_url: Such as `wss://app.runt.run/livestore`.

    Returns:
        Such as `https://app.runt.run`, without a slash at its end.

    Raises:
        ConfigError: The URL is no `ws://` or `wss://` URL with a host.
    """
    try:
        parts = urlsplit(sync_url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"the sync URL is malformed: {error}") from None
    if parts.scheme not in _HTTP_SCHEMES or not parts.hostname:
        raise ConfigError("the sync URL must begin with ws:// or wss://, then a host")
    if parts.username is not None or parts.query or parts.fragment:
        # Credentials and queries would end up in logs and error messages.
        raise ConfigError(
            "the sync URL must hold no user name, password, query or fragment"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    suffix = f":{port}" if port is not None else ""
    return f"{_HTTP_SCHEMES[parts.scheme]}://{host}{suffix}"


def is_on_this_machine(sync_url: str) -> bool:
    """Tell whether a service listens on the loopback interface.

    No proxy reaches it there, whatever the environment says, and packing what travels
    would cost more than it saves.

    Args:
        sync_url: The service's sync URL.
    """
    host = urlsplit(sync_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def readable_reason(body: str, *, secret: str = "") -> str:
    """Shorten the body of a refusal to one line that can stand in an error.

    Args:
        body: The body as text. A page of HTML is dropped: it says nothing in a line.
        secret: The token, which a careless server might have quoted.

    Returns:
        At most 500 printable characters.
    """
    if body.lstrip().startswith("<"):
        return ""
    if secret:
        body = body.replace(secret, "***")
    printable = "".join(c if c.isprintable() else " " for c in body)
    return " ".join(printable.split())[:_LONGEST_REASON]


def describe(error: BaseException) -> str:
    """Say in one line what a network error was.

    Args:
        error: The error; a group stands for its first member, as every address of a
            host fails in much the same way.
    """
    if isinstance(error, BaseExceptionGroup):
        return describe(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return str(error) or type(error).__name__  # time-outs have no text
