"""Requests to a service's HTTP side."""

import ssl
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Literal

import httpx
import trio

from runt_agent._errors import UnreachableError
from runt_agent._service import Service, describe


async def request(  # noqa: PLR0913 - a request has these parts
    method: Literal["GET", "POST"],
    path: str,
    *,
    service: Service,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Response:
    """Send a request with the service's token and read the whole answer.

    Redirects are not followed: the token is for this service only.

    Args:
        method: The method.
        path: The path below the service's origin.
        service: The service and the token.
        timeout_s: How long all of it may take.
        headers: Further headers.
        content: The body.

    Returns:
        The answer, whatever its status.

    Raises:
        UnreachableError: There was no answer in time.
    """
    url = f"{service.http_base}{path}"
    # Reading the certificates takes long enough to stop everything else meanwhile.
    verify = await trio.to_thread.run_sync(_tls_context) if service.is_secure else False
    try:
        # httpx's own time-outs are for one read or write each: a peer that moves a
        # byte now and then would pass them for ever.
        with trio.fail_after(timeout_s):
            async with httpx.AsyncClient(
                verify=verify,
                timeout=timeout_s,
                trust_env=not service.is_on_this_machine,
            ) as client:
                request = client.build_request(
                    method,
                    url,
                    headers={**service.authorization(), **(headers or {})},
                    content=content,
                )
                if content is not None:
                    request.stream = _Body(content)
                return await client.send(request)
    except (httpx.HTTPError, trio.TooSlowError) as error:
        raise UnreachableError(f"{url} gave no answer: {describe(error)}") from None


class _Body(httpx.AsyncByteStream):
    """The bytes of a request; httpx's own is a generator that a time-out leaves open.

    Args:
        content: The bytes.
    """

    def __init__(self, content: bytes) -> None:
        self._rest = [content]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._rest:
            raise StopAsyncIteration
        return self._rest.pop()


@cache
def _tls_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()
