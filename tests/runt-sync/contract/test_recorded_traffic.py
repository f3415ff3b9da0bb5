"""Recorded sessions of the real client and the real server, played against ours.

What the recorded clients sent goes to our server; ours has to answer frame for frame as
the real one did, apart from times. Pongs are left out: the real server answers them
ahead of everything else.
"""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runt_sync import Server

if TYPE_CHECKING:
    from ..conftest import Join, Peer  # noqa: TID252 - tests are no package

VECTORS = Path(__file__).parents[2] / "runt-protocol" / "vectors" / "ws"
SCENARIOS = [
    "01-initial-pull-push-ack",
    "02-broadcast-two-clients",
    "03-push-conflict-rebase",
    "05-pull-chunking-330",
    "06-large-push-batches",
]


def recorded(scenario: str) -> list[dict[str, Any]]:
    """Return the frames that passed, without those that the recorder made up."""
    lines = (VECTORS / f"{scenario}.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return [
        entry
        for entry in entries
        if entry["ev"] in {"open", "frame"}
        and not entry.get("injected")
        and "WSMessage.Pong" not in entry.get("text", "")
        and "WSMessage.Ping" not in entry.get("text", "")
    ]


def comparable(text: str) -> str:
    """Return a frame without its times, and otherwise to the letter."""
    message = json.loads(text)
    for item in message.get("batch", []):
        if "metadata" in item:
            item["metadata"]["value"]["createdAt"] = "then"
    return json.dumps(message)


def events_before(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the log held already when the recording began."""
    answers = [
        json.loads(entry["text"])
        for entry in entries
        if entry.get("dir") == "s2c" and '"context":"pull"' in entry["text"]
    ]
    return [item["eventEncoded"] for answer in answers for item in answer["batch"]]


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_our_server_answers_as_the_real_one(
    server: Server, join: Join, scenario: str
) -> None:
    entries = recorded(scenario)
    async with join(server, scenario) as earlier:
        before = events_before(entries)
        for start in range(0, len(before), 100):
            await earlier.push_and_confirm(*before[start : start + 100])
    expected: dict[str, list[str]] = defaultdict(list)
    received: dict[str, list[str]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        peers: dict[str, Peer] = {}
        for entry in entries:
            name = entry["conn"]
            if entry["ev"] == "open":
                peers[name] = await stack.enter_async_context(join(server, scenario))
            elif entry["dir"] == "c2s":
                await peers[name].send_text(entry["text"])
            else:
                expected[name].append(comparable(entry["text"]))
                received[name].append(comparable(await peers[name].receive_text()))
        for peer in peers.values():
            assert await peer.is_silent()
    assert received == expected
    assert sum(map(len, expected.values())) >= 4
