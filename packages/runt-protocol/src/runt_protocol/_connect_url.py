"""The address under which a client finds the log of one notebook."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ._json import dumps
from ._wire import Wire
from ._wire_v03 import WIRE_V03

# What JavaScript's encodeURIComponent leaves alone.
_UNRESERVED = "!'()*-._~"


def connect_url(
    sync_url: str,
    store_id: str,
    payload: Mapping[str, Any] | None,
    wire: Wire = WIRE_V03,
) -> str:
    """Build the WebSocket URL of a store.

    Args:
        sync_url: The service's address, such as `wss://app.runt.run/livestore`.
        store_id: The notebook id.
        payload: What the service asks of a client, `authToken` above all; None sends
            none. The URL holds it in clear text: keep it out of logs.
        wire: What is to be spoken.

    Returns:
        The URL, letter by letter the one that the JavaScript client opens.

    Raises:
        TypeError: The payload holds a value that has no JSON form.

    Source: `@livestore/sync-cf` 0.3.1 and 0.4.0 encode the payload twice. 0.4 says how
    it travels and connects to the sync URL itself.
    """
    query = {"storeId": store_id}
    if payload is not None:
        query["payload"] = quote(dumps(dict(payload)), safe=_UNRESERVED)
    base = sync_url.rstrip("/")
    if wire.is_streamed:
        return f"{base}?{urlencode({**query, 'transport': 'ws'})}"
    return f"{base}/websocket?{urlencode(query)}"
