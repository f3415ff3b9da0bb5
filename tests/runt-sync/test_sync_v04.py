"""What only clients of LiveStore 0.4 see of a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runt_protocol import WireV04
from runt_sync import Server, open_server

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Join, MakeEvent, Peer

WIRE = WireV04()
PING = '{"_tag":"Ping"}'


def request(request_id: str, tag: str, **payload: object) -> str:
    return json.dumps(
        {
            "_tag": "Request",
            "id": request_id,
            "tag": f"SyncWsRpc.{tag}",
            "payload": {"storeId": "notebook", **payload},
            "headers": [],
        }
    )


async def pull(peer: Peer, cursor: object = None) -> dict[str, Any]:
    """Pull all, live, and return the one page that there is."""
    position = {"_tag": "None"} if cursor is None else {"_tag": "Some", "value": cursor}
    await peer.send_text(request("0", "Pull", live=True, cursor=position))
    return json.loads(await peer.receive_text())["values"][0]


async def push(peer: Peer, *events: dict[str, Any]) -> dict[str, Any]:
    """Push, and return how it ended."""
    none = {"_tag": "None"}
    await peer.send_text(request("1", "Push", batch=events, backendId=none))
    return json.loads(await peer.receive_text())["exit"]


async def test_the_log_keeps_its_id_until_the_file_is_thrown_away(
    data_dir: Path, join: Join, tmp_path: Path
) -> None:
    ids: list[str] = []
    for directory in (data_dir, data_dir, tmp_path / "other"):
        async with (
            open_server(data_dir=directory) as server,
            join(server, wire=WIRE) as one,
            join(server, "another notebook", wire=WIRE) as two,
        ):
            ids.append((await pull(one))["backendId"])
            assert (await pull(two))["backendId"] == ids[-1]
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 32


async def test_clients_of_both_versions_share_a_notebook(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async with join(server) as old, join(server, wire=WIRE) as new:
        assert await old.pull() == []
        assert (await pull(new))["batch"] == []
        await old.push_and_confirm(event(1))
        chunk = json.loads(await new.receive_text())
        assert chunk["values"][0]["batch"][0]["eventEncoded"] == event(1)
        assert await push(new, event(2)) == {"_tag": "Success", "value": {}}
        answer = await old.receive("PullRes")
        assert [item["eventEncoded"] for item in answer["batch"]] == [event(2)]


async def test_a_client_with_another_log_is_told_which_one_this_is(
    server: Server, join: Join
) -> None:
    async with join(server, wire=WIRE) as peer:
        cursor = {"backendId": "of a file thrown away", "eventSequenceNumber": 1}
        position = {"_tag": "Some", "value": cursor}
        await peer.send_text(request("0", "Pull", live=True, cursor=position))
        error = json.loads(await peer.receive_text())["exit"]["cause"]["error"]
        assert error["_tag"] == "BackendIdMismatchError"
        assert error["received"] == "of a file thrown away"


@pytest.mark.parametrize("is_stale_push", [False, True])
async def test_a_client_that_forgets_to_pull_is_sent_away(
    server: Server, join: Join, event: MakeEvent, *, is_stale_push: bool
) -> None:
    async with join(server) as other:
        await other.pull()
        await other.push_and_confirm(event(1))
    async with join(server, wire=WIRE) as peer:
        if is_stale_push:
            stale = event(1, args={"id": "another"})
            assert (await push(peer, stale))["_tag"] == "Failure"
        else:
            for _ in range(2):
                await peer.send_text(PING)
                assert await peer.receive_text() == '{"_tag":"Pong"}'
        await peer.is_closed_with(1012, "reconnect and pull")


async def test_an_event_that_nobody_could_read_is_refused(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async with join(server, wire=WIRE) as peer:
        await pull(peer)
        wrong = event(1, name="v2.CellCreated", args={})
        refusal = await push(peer, wrong)
        assert refusal["cause"]["error"]["_tag"] == "UnknownError"
        assert "v2.CellCreated" in refusal["cause"]["error"]["cause"]["message"]
        assert (await push(peer, event(1)))["_tag"] == "Success"
