"""The network's task: makes a request, follows redirections, hands the answer over.

It uses httpcore, the transport of httpx: what httpx adds (redirections, cookies,
proxies, netrc, decoding) is decided here, or is not wanted.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpcore
import trio

from runt_worker._limits import Limits, size_text

from ._exchange import Exchange, Failure
from ._grants import NetworkGrants
from ._policy import RefusedError, check_host
from ._url import HttpUrl, UrlError

_MAX_REDIRECTS = 20
"""Source: WHATWG Fetch, HTTP-redirect fetch."""

_CONNECT_TIMEOUT_S = 30.0
"""For a connection, TLS included, to one address."""

_CLOSE_TIMEOUT_S = 1.0
"""For the farewell of a connection, whose request has ended by then."""

_MAX_TRANSFERS = 64
"""At a time; more wait for their turn."""

_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_OF_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"trailer"}
)
_SECRETS = frozenset({"authorization", "cookie"})
_OF_BODY = frozenset(
    {"content-encoding", "content-language", "content-location", "content-type"}
)


class _EndedError(Exception):
    """The exchange ends without an answer; the message says why."""


@dataclass(frozen=True, kw_only=True)
class _Hop:
    method: str
    url: HttpUrl
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def next(self, status: int, url: HttpUrl) -> "_Hop":
        """Return what is requested where an answer has led."""
        method, body, headers = self.method, self.body, self.headers
        changes = status in {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND}
        if (changes and method == "POST") or (
            status == HTTPStatus.SEE_OTHER and method not in {"GET", "HEAD"}
        ):
            method, body = "GET", b""
            headers = _without(headers, _OF_BODY)
        if url.origin != self.url.origin:
            headers = _without(headers, _SECRETS)
        return _Hop(method=method, url=url, headers=headers, body=body)


def _without(
    headers: tuple[tuple[str, str], ...], names: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    return tuple(it for it in headers if it[0].lower() not in names)


class Transfers:
    """Makes the requests of one sandbox process.

    Args:
        grants: what they may reach.
        network: connects; it looks at the grants itself.
        limits: how much and how long.
        ssl_context: whose certificates are believed; None: those of certifi.
    """

    def __init__(
        self,
        grants: NetworkGrants,
        network: httpcore.AsyncNetworkBackend,
        limits: Limits,
        ssl_context: Any = None,
    ) -> None:
        self._grants = grants
        self._limits = limits
        self._network = network
        # Made now: that takes a while, and this is no thread of trio's.
        self._ssl_context = ssl_context or httpcore.default_ssl_context()
        self._limiter = trio.CapacityLimiter(_MAX_TRANSFERS)

    async def transfer(self, exchange: Exchange) -> None:
        """Make the request of an exchange, and end that in any case."""
        timeout_s = self._limits.http_timeout_s
        try:
            with exchange.scope, trio.move_on_after(timeout_s) as deadline:
                async with self._limiter, self._connections() as pool:
                    await self._transfer(exchange, pool)
                exchange.end()
            if deadline.cancelled_caught:
                reason = f"{exchange.url.host} took more than {timeout_s:g} s"
                exchange.end(Failure(reason=reason, kind="timeout"))
        except RefusedError as error:
            exchange.end(Failure(reason=error.reason, kind="refused"))
        except (_EndedError, UrlError) as error:
            exchange.end(Failure(reason=str(error)))
        except httpcore.TimeoutException:
            reason = f"{exchange.url.host} did not answer in time"
            exchange.end(Failure(reason=reason, kind="timeout"))
        except Exception as error:  # noqa: BLE001 - httpcore's, h11's, ssl's, the system's
            reason = f"{exchange.url.host}: {_words(error)}"
            exchange.end(Failure(reason=reason))
        finally:
            exchange.end(Failure(reason="the request was interrupted", kind="ended"))

    @asynccontextmanager
    async def _connections(self) -> AsyncGenerator[httpcore.AsyncConnectionPool]:
        """Open the connections of one exchange, one at a time.

        None is shared: in a pool that many use, requests that are cancelled in an
        unlucky moment keep their places for ever, until there are none.
        """
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._ssl_context,
            max_connections=1,
            network_backend=self._network,
        )
        try:
            yield pool
        finally:
            deadline = trio.current_time() + _CLOSE_TIMEOUT_S
            with trio.CancelScope(shield=True, deadline=deadline):
                await pool.aclose()

    async def _transfer(
        self, exchange: Exchange, pool: httpcore.AsyncConnectionPool
    ) -> None:
        request = exchange.request
        hop: _Hop | None = _Hop(
            method=request.method,
            url=exchange.url,
            headers=tuple(request.headers),
            body=bytes(exchange.body),
        )
        exchange.body.clear()
        for count in range(_MAX_REDIRECTS + 1):
            hop = await self._request(exchange, pool, hop, is_redirected=count > 0)
            if hop is None:
                return
            check_host(self._grants, hop.url.host, hop.url.port)
        raise _EndedError(f"more than {_MAX_REDIRECTS} redirections")

    async def _request(
        self,
        exchange: Exchange,
        pool: httpcore.AsyncConnectionPool,
        hop: _Hop,
        *,
        is_redirected: bool,
    ) -> _Hop | None:
        """Make one request; return the next one if there is to be one."""
        url = hop.url
        async with pool.stream(
            hop.method,
            httpcore.URL(
                scheme=url.scheme,
                host=url.host.text,
                port=url.port,
                target=url.target.encode("ascii"),
            ),
            headers=_headers(hop),
            content=hop.body,
            extensions={"timeout": {"connect": _CONNECT_TIMEOUT_S}},
        ) as response:
            location = _location(response)
            if location is not None and exchange.request.redirect != "manual":
                if exchange.request.redirect == "error":
                    raise _EndedError(f"{url.host} redirects to another address")
                return hop.next(response.status, url.join(location))
            exchange.begin(_head(response, url, is_redirected=is_redirected))
            await self._hand_over(exchange, response)
        return None

    async def _hand_over(self, exchange: Exchange, response: httpcore.Response) -> None:
        received, most = 0, self._limits.max_download_bytes
        chunks = response.aiter_stream()
        async with _ended_from_within(chunks):
            async for chunk in chunks:
                received += len(chunk)
                if received > most:
                    raise _EndedError(
                        f"{exchange.url.host} sent more than {size_text(most)}"
                    )
                await exchange.put(chunk)


@asynccontextmanager
async def _ended_from_within(chunks: AsyncIterator[bytes]) -> AsyncGenerator[None]:
    """Let nothing be left of generators of httpcore, which do not close each other.

    Trio warns of those that the garbage collector has to end.
    """
    try:
        yield
    except BaseException:
        with trio.CancelScope() as scope, suppress(httpcore.NetworkError):
            scope.cancel()
            async for _ in chunks:
                pass
        raise


def _headers(hop: _Hop) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name, _ in hop.headers}
    headers = [("Host", hop.url.authority), *hop.headers]
    if "user-agent" not in names:
        headers.append(("User-Agent", "runt"))
    if hop.body or hop.method in {"POST", "PUT", "PATCH"}:
        headers.append(("Content-Length", str(len(hop.body))))
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]


def _location(response: httpcore.Response) -> str | None:
    if response.status not in _REDIRECTS:
        return None
    for name, value in response.headers:
        if name.lower() == b"location":
            return value.decode("latin-1")
    return None


def _head(
    response: httpcore.Response, url: HttpUrl, *, is_redirected: bool
) -> dict[str, Any]:
    untyped: Any = response  # its extensions are, in part
    reason: bytes = untyped.extensions.get("reason_phrase", b"")
    return {
        "status": response.status,
        "reason": reason.decode("latin-1"),
        "url": str(url),
        "redirected": is_redirected,
        "headers": [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in response.headers
            if name.lower() not in _OF_CONNECTION
        ],
    }


def _words(error: Exception) -> str:
    """Put a failure of a connection into words."""
    cause = error.__cause__ or error.__context__
    deepest: BaseException = error
    while cause is not None:
        deepest, cause = cause, cause.__cause__ or cause.__context__
    text = str(error) or getattr(deepest, "strerror", None) or str(deepest)
    return text or type(error).__name__
