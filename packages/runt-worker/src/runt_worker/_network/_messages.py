"""What the guest may say in its calls for the network: exact types, all bounded."""

from typing import Annotated, Literal

import msgspec

_MAX_HEADERS = 100
_MAX_HEADER_BYTES = 64 * 1024
"""Of all headers together; servers take less."""

_TOKEN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z"  # noqa: S105 - a token of RFC 9110
_VALUE = r"^[\t -~\x80-\xff]*\Z"
"""No line ends and no other control characters; each character is one byte."""

_NOT_THEIRS = frozenset(
    {
        *("connection", "content-length", "expect", "host", "http2-settings"),
        *("keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "via"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection"),
    }
)
"""Headers that say how a message is framed, or where it goes."""

_NO_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})
"""Tunnels, and what sends secrets back. Source: WHATWG Fetch, forbidden methods."""

ExchangeNumber = Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
HeaderName = Annotated[str, msgspec.Meta(max_length=1000, pattern=_TOKEN)]
HeaderValue = Annotated[str, msgspec.Meta(max_length=_MAX_HEADER_BYTES, pattern=_VALUE)]
Headers = Annotated[
    list[tuple[HeaderName, HeaderValue]], msgspec.Meta(max_length=_MAX_HEADERS)
]
Redirect = Literal["follow", "manual", "error"]


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``http_request``.

    Attributes:
        method: of HTTP.
        url: where to.
        headers: names and values, one character a byte.
        redirect: what becomes of an answer that leads elsewhere.
        has_body: whether ``http_body`` calls follow.
    """

    method: Annotated[str, msgspec.Meta(max_length=32, pattern=_TOKEN)]
    url: Annotated[str, msgspec.Meta(max_length=64 * 1024)]
    headers: Headers
    redirect: Redirect
    has_body: bool

    def __post_init__(self) -> None:
        """Refuse what is not the guest's to say.

        Raises:
            ValueError: it is; msgspec makes a ValidationError of it.
        """
        if self.method.upper() in _NO_METHODS:
            raise ValueError(f"{self.method} is no method that can be requested")
        total = sum(len(name) + len(value) for name, value in self.headers)
        if total > _MAX_HEADER_BYTES:
            raise ValueError(f"the headers have more than {_MAX_HEADER_BYTES} bytes")
        for name, _ in self.headers:
            if name.lower() in _NOT_THEIRS:
                raise ValueError(f"the header {name} cannot be set here")


class HttpBody(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``http_body``, whose tail is a part of the body."""

    exchange: ExchangeNumber
    is_last: bool


class HttpReceive(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``http_receive``.

    Attributes:
        exchange: whose answer.
        waits: whether to wait a moment for something; otherwise the guest is told
            by a message when there is.
    """

    exchange: ExchangeNumber
    waits: bool


class HttpClose(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``http_close``."""

    exchange: ExchangeNumber
