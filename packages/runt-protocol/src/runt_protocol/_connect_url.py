"""The address under which a client finds the log of one notebook."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ._json import dumps

# What JavaScript's encodeURIComponent leaves alone.
_UNRESERVED = "!'()*-._~"


def connect_url(sync_url: str, store_id: str, payload: Mapping[str, Any] | None) -> str:
    """Build the WebSocket URL of a store.

    Args:
        sync_url: The service's address, such as `wss://app.runt.run/livestore`.
        store_id: The notebook id.
        payload: What the service asks of a client, `authToken` above all; None sends
            none. The URL holds it in clear text: keep it out of logs.

    Returns:
        The URL, letter by letter the one that the JavaScript client opens.

    Raises:
        TypeError: The payload holds a value that has no JSON form.

    Source: `@livestore/sync-cf` 0.3.1 encodes the payload twice.
    """
    query = {"storeId": store_id}
    if payload is not None:
        query["payload"] = quote(dumps(dict(payload)), safe=_UNRESERVED)
    return f"{sync_url.rstrip('/')}/websocket?{urlencode(query)}"
