import json
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_protocol import connect_url

VECTORS = Path(__file__).parent / "vectors" / "ws"


def recorded_urls() -> list[str]:
    lines = [
        json.loads(line)
        for path in sorted(VECTORS.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return sorted({line["url"] for line in lines if "url" in line})


@pytest.mark.parametrize("url", recorded_urls())
def test_it_is_what_the_javascript_client_opens(url: str) -> None:
    query = parse_qs(urlsplit(url).query)
    payload = json.loads(unquote(query["payload"][0]))
    (store_id,) = query["storeId"]
    assert connect_url("ws://host/livestore", store_id, payload) == f"ws://host{url}"


def test_a_slash_at_the_end_makes_no_difference() -> None:
    one = connect_url("wss://host/livestore/", "n", {"a": 1})
    assert one == connect_url("wss://host/livestore", "n", {"a": 1})


def test_without_a_payload_the_key_is_left_out() -> None:
    url = connect_url("ws://host", "a b&c", None)
    assert url == "ws://host/websocket?storeId=a+b%26c"


@given(st.text(), st.dictionaries(st.text(), st.text() | st.booleans()))
def test_the_server_reads_what_was_given(
    store_id: str, payload: dict[str, str | bool]
) -> None:
    query = parse_qs(
        urlsplit(connect_url("ws://host", store_id, payload)).query,
        keep_blank_values=True,
    )
    assert query["storeId"] == [store_id]
    assert json.loads(unquote(query["payload"][0])) == payload


def test_a_payload_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError):
        connect_url("ws://host", "n", {"a": object()})
