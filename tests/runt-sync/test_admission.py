"""What an upgrade request has to say, and how it is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.trio.client import connect

from runt_protocol import WIRE_V03, WireV04, connect_url
from runt_sync import Limits, Server
from runt_sync._admission import Admission, admit
from runt_sync._errors import RefusedError
from runt_sync._token import Token

if TYPE_CHECKING:
    from .conftest import Join

TOKEN = Token("sesame")
AGENT = {
    "authToken": "sesame",
    "runtime": True,
    "runtimeId": "r",
    "sessionId": "s",
    "userId": "local",
}


def query(payload: object, store_id: str = "notebook") -> bytes:
    return urlencode(
        {"storeId": store_id, "payload": quote(json.dumps(payload))}
    ).encode()


@pytest.mark.parametrize("store_id", ["notebook", "a b/ü&=%2F+\N{SNOWMAN}", "../x\x00"])
def test_what_connect_url_makes_is_let_in(store_id: str) -> None:
    url = connect_url("ws://host/livestore", store_id, {"authToken": "sesame"})
    raw_query = url.partition("?")[2].encode()
    assert admit(raw_query, TOKEN, Limits()) == Admission(
        store_id=store_id, wire=WIRE_V03
    )


def test_a_client_of_04_is_known_by_its_transport() -> None:
    payload = {"authToken": "sesame"}
    url = connect_url("ws://host/livestore", "n", payload, WireV04("n"))
    path, _, raw_query = url.partition("?")
    assert path == "ws://host/livestore"
    assert raw_query.endswith("&transport=ws")
    assert admit(raw_query.encode(), TOKEN, Limits()).wire.version == "0.4"


def test_an_agent_is_let_in_as_the_tokens_user() -> None:
    admission = admit(query({**AGENT, "more": [1]}), TOKEN, Limits())
    assert admission.store_id == "notebook"


@pytest.mark.parametrize(
    ("raw_query", "complaint"),
    [
        (b"", "no storeId"),
        (b"storeId=&payload=%7B%7D", "no storeId"),
        (b"storeId=a", "no payload"),
        (b"storeId=%ff&payload=%7B%7D", "UTF-8"),
        (b"storeId=a&payload=%25ff", "no JSON"),
        (b"storeId=a&payload=nonsense", "no JSON"),
        (b"storeId=a&payload=" + b"%5B" * 4000, "no JSON"),
        (query({"authToken": "sesame"}, "x" * 513), "512 bytes"),
        (query({"authToken": "sesame"}, "\N{SNOWMAN}" * 171), "512 bytes"),
        (query({"authToken": "sesame"}) + b"&transport=http", "transport"),
        (query([]), "not as it should be"),
        (query({}), "`authToken`"),
        (query({"authToken": None}), "$.authToken"),
        (query({"authToken": ["sesame"]}), "$.authToken"),
        (query({"authToken": ""}), "not this server's token"),
        (query({"authToken": "sesamE"}), "not this server's token"),
        (query({"authToken": "sesame\N{SNOWMAN}"}), "not this server's token"),
        (query({**AGENT, "runtime": "yes"}), "$.runtime"),
        (query({**AGENT, "userId": "somebody"}), "userId is not the token's user"),
        (query({**AGENT, "userId": None}), "$.userId"),
        (query({**AGENT, "sessionId": 1}), "$.sessionId"),
        (query({"authToken": "sesame", "runtime": True}), "`runtimeId`"),
    ],
)
def test_refusals_say_what_is_wrong(raw_query: bytes, complaint: str) -> None:
    with pytest.raises(RefusedError) as refused:
        admit(raw_query, TOKEN, Limits())
    assert complaint in refused.value.reason
    assert "sesame" not in refused.value.reason


@pytest.mark.parametrize(
    "payload",
    [{"authToken": "wrong"}, {**AGENT, "userId": "x"}, {"authToken": 1}],
)
async def test_a_refusal_is_an_answer_to_the_upgrade(
    server: Server, join: Join, payload: dict[str, Any]
) -> None:
    if payload.get("authToken") == "sesame":
        payload = {**payload, "authToken": server.token}
    url = connect_url(server.sync_url, "notebook", payload)
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url):
            pass
    assert refused.value.response.status_code == 400
    assert refused.value.response.body
    async with join(server) as peer:
        assert await peer.pull() == []


async def test_a_plain_get_is_told_to_upgrade(http: httpx.AsyncClient) -> None:
    answer = await http.get("/livestore/websocket?storeId=a")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
