"""Who the auth token belongs to: `GET /api/me`.

The service refuses a runtime whose payload names another user than its token's, so the
agent asks before it connects. Source: protocol.md §1.
"""

from http import HTTPStatus
from typing import Final

import msgspec

from runt_agent._errors import TokenRefusedError, UnreachableError
from runt_agent._http import request
from runt_agent._limits import DEFAULT_LIMITS
from runt_agent._service import Service, readable_reason

_REFUSALS: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The user that a token belongs to.

    Attributes:
        id: The user's id, as runtimes and requests are signed with it.
        email: The user's address; None where the service keeps none.
        name: The user's name; None where the service keeps none.
    """

    id: str
    email: str | None = None
    name: str | None = None


async def fetch_identity(
    service: Service, *, timeout_s: float = DEFAULT_LIMITS.request_timeout_s
) -> Identity:
    """Ask a service whom its token belongs to.

    Args:
        service: The service and the token.
        timeout_s: How long the whole request may take.

    Returns:
        The user.

    Raises:
        TokenRefusedError: The service does not know the token, or forbids it.
        UnreachableError: No usable answer came.
    """
    url = f"{service.http_base}/api/me"
    response = await request("GET", "/api/me", service=service, timeout_s=timeout_s)
    if response.status_code in _REFUSALS:
        raise TokenRefusedError(
            f"{service.http_base} does not accept the auth token",
            status=response.status_code,
            reason=readable_reason(response.text, secret=service.auth_token),
        )
    if response.status_code != HTTPStatus.OK:
        raise UnreachableError(f"{url} answered HTTP {response.status_code}")
    try:
        return msgspec.json.decode(response.content, type=Identity)
    except ValueError as error:
        raise UnreachableError(f"{url} gave no identity: {error}") from None
