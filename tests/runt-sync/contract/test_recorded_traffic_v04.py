"""Recorded sessions of the real peers of LiveStore 0.4, played against our server.

What the recorded clients sent goes to our server; ours has to answer with the same
frames, apart from times and the id of the log. It acknowledges a push before its events
come back, the real one after, or before: the client takes both.
"""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runt_protocol import WireV04
from runt_sync import Server

if TYPE_CHECKING:
    from ..conftest import Join, Peer  # noqa: TID252 - tests are no package

VECTORS = Path(__file__).parents[2] / "runt-protocol" / "vectors" / "ws-v04"
SCENARIOS = [
    "01-first-pull-and-push",
    "02-broadcast",
    "03-conflict",
    "07-reconnect",
    "08-push-while-offline",
]
WIRE = WireV04()


def recorded(scenario: str) -> list[dict[str, Any]]:
    """Return the frames that passed, without those that the recorder made up."""
    lines = (VECTORS / f"{scenario}.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return [
        entry
        for entry in entries
        if entry["ev"] in {"open", "frame"}
        and not entry.get("injected")
        and entry.get("text") not in {'{"_tag":"Ping"}', '{"_tag":"Pong"}'}
    ]


def backend_id_in(entries: list[dict[str, Any]]) -> str:
    """Return the id of the log that was recorded."""
    texts = [entry["text"] for entry in entries if entry.get("dir") == "s2c"]
    chunk = next(json.loads(text) for text in texts if '"Chunk"' in text)
    return chunk["values"][0]["backendId"]


def comparable(text: str, backend_id: str) -> str:
    """Return a frame without its times and its log, and otherwise to the letter."""
    message = json.loads(text.replace(backend_id, "the log"))
    for page in message.get("values", []):
        for item in page["batch"]:
            item["metadata"]["value"]["createdAt"] = "then"
    error = message.get("exit", {}).get("cause", {}).get("error", {})
    if "minimumExpectedNum" in error:  # a push that came after it may be stored by then
        error["minimumExpectedNum"] = "the head"
    return json.dumps(message)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_our_server_answers_as_the_real_one(
    server: Server, join: Join, scenario: str
) -> None:
    entries = recorded(scenario)
    theirs = backend_id_in(entries)
    async with join(server, scenario, wire=WIRE) as peer:
        await peer.send_text(
            '{"_tag":"Request","id":"0","tag":"SyncWsRpc.Pull","payload":'
            '{"storeId":"x","live":false,"cursor":{"_tag":"None"}},"headers":[]}'
        )
        ours = json.loads(await peer.receive_text())["values"][0]["backendId"]
        assert '"Exit"' in await peer.receive_text()
    expected: dict[str, list[str]] = defaultdict(list)
    received: dict[str, list[str]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        peers: dict[str, Peer] = {}
        for entry in entries:
            name = entry["conn"]
            if entry["ev"] == "open":
                joining = join(server, scenario, wire=WIRE)
                peers[name] = await stack.enter_async_context(joining)
            elif entry["dir"] == "c2s":
                await peers[name].send_text(entry["text"].replace(theirs, ours))
            else:
                expected[name].append(comparable(entry["text"], theirs))
                text = await peers[name].receive_text()
                received[name].append(comparable(text, ours))
    assert _chunks(received) == _chunks(expected)
    assert _sorted(received) == _sorted(expected)
    assert sum(map(len, expected.values())) >= 5


def _chunks(frames: dict[str, list[str]]) -> dict[str, list[str]]:
    return {
        name: [t for t in texts if '"Chunk"' in t] for name, texts in frames.items()
    }


def _sorted(frames: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: sorted(texts) for name, texts in frames.items()}
