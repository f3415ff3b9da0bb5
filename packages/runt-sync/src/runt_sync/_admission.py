"""Who may connect to which store: what the upgrade request has to say.

A page of another origin can open a WebSocket to a server on this machine, browsers do
not prevent that. It cannot know the token, and the token is all that counts here; there
are no cookies that a browser would add by itself.
"""

from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, unquote

import msgspec

from runt_protocol import WIRE_V03, Wire, WireV04

from ._errors import RefusedError
from ._limits import Limits
from ._token import Token

T = TypeVar("T")

USER_ID: Final = "local"
"""The one user of a server with one token."""

WIRE_V04: Final = WireV04()


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """A connection that is let in; only `admit` makes one.

    Attributes:
        store_id: The store, which is the notebook.
        wire: What the client speaks.
    """

    store_id: str
    wire: Wire


class _Payload(msgspec.Struct, frozen=True, rename="camel"):
    auth_token: str
    runtime: bool = False


class _RuntimePayload(msgspec.Struct, frozen=True, rename="camel"):
    runtime_id: str
    session_id: str
    user_id: str


def admit(query: bytes, token: Token, limits: Limits) -> Admission:
    """Judge the query of an upgrade request.

    Source: sync-cf 0.3.1 and 0.4.0: `storeId` and `payload`, a JSON text that is
    percent-encoded once more than the query itself. 0.4 adds `transport`, by which its
    clients are known; other keys are ignored.

    Args:
        query: The query string as it came, percent-encoded.
        token: The server's token.
        limits: The bounds to keep.

    Raises:
        RefusedError: With a reason that tells the peer what to change.
    """
    values = _query_values(query)
    store_id = values.get("storeId", "")
    if not store_id:
        raise RefusedError("the query has no storeId (the notebook's id)")
    if len(store_id.encode()) > limits.max_store_id_bytes:
        raise RefusedError(f"storeId exceeds {limits.max_store_id_bytes} bytes")
    wire = _wire(values.get("transport"))
    if "payload" not in values:
        raise RefusedError("the query has no payload, which carries the authToken")
    raw_payload = _payload_value(values["payload"])
    payload = _convert(raw_payload, _Payload)
    if not token.matches(payload.auth_token):
        raise RefusedError("the authToken is not this server's token")
    if payload.runtime and _convert(raw_payload, _RuntimePayload).user_id != USER_ID:
        raise RefusedError(
            f"the payload's userId is not the token's user ({USER_ID!r}; "
            "GET /api/me tells it)"
        )
    return Admission(store_id=store_id, wire=wire)


def _wire(transport: str | None) -> Wire:
    match transport:
        case None:
            return WIRE_V03
        case "ws":
            return WIRE_V04
        case _:
            raise RefusedError("the only transport here is a WebSocket (ws)")


def _query_values(query: bytes) -> dict[str, str]:
    try:
        found = parse_qs(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise RefusedError("the query is no percent-encoded UTF-8") from None
    return {key: values[0] for key, values in found.items()}


def _payload_value(encoded: str) -> Any:
    try:
        return msgspec.json.decode(unquote(encoded, errors="strict"))
    except (ValueError, RecursionError):
        raise RefusedError("the payload is no JSON, percent-encoded twice") from None


def _convert(value: Any, expected: type[T]) -> T:
    try:
        return msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        # The text names the field and the types, never the value (the token).
        raise RefusedError(f"the payload is not as it should be: {error}") from None
