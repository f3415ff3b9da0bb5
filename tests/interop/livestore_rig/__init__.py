"""The published LiveStore, client and server, as processes that a test drives."""

from livestore_rig._choices import NEW_ONLY, OLD_ONLY, OUR_SERVER, THEIR_SERVER
from livestore_rig._client import LiveStoreClient, Tables, open_client
from livestore_rig._events import cell, title
from livestore_rig._installation import VERSIONS, Installation, install
from livestore_rig._materialiser import (
    Materialised,
    Materialiser,
    open_materialiser,
)
from livestore_rig._peers import NOTEBOOK_ID, TIMEOUT_S, TOKEN, Peers, agree, until
from livestore_rig._proxy import Proxy, open_proxy
from livestore_rig._script import RigError
from livestore_rig._server import open_livestore_server

__all__ = [
    "NEW_ONLY",
    "NOTEBOOK_ID",
    "OLD_ONLY",
    "OUR_SERVER",
    "THEIR_SERVER",
    "TIMEOUT_S",
    "TOKEN",
    "VERSIONS",
    "Installation",
    "LiveStoreClient",
    "Materialised",
    "Materialiser",
    "Peers",
    "Proxy",
    "RigError",
    "Tables",
    "agree",
    "cell",
    "install",
    "open_client",
    "open_livestore_server",
    "open_materialiser",
    "open_proxy",
    "title",
    "until",
]
