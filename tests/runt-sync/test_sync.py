"""Pull, push, acknowledge and broadcast over real sockets and a real file."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trio

from runt_protocol import parse_date
from runt_sync import Limits, Server, open_server

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Join, MakeEvent


async def test_an_empty_store_answers_a_pull_with_one_empty_batch(
    server: Server, join: Join
) -> None:
    async with join(server) as peer:
        await peer.send("PullReq", requestId="r1")
        assert await peer.receive("PullRes") == {
            "_tag": "WSMessage.PullRes",
            "batch": [],
            "requestId": {"context": "pull", "requestId": "r1"},
            "remaining": 0,
        }


async def test_a_push_is_acked_then_broadcast_to_everybody(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async with join(server) as one, join(server) as two:
        await one.pull()
        await two.pull()
        await one.push(event(1), event(2), request_id="p")
        assert (await one.receive("PushAck"))["requestId"] == "p"
        for peer in (one, two):
            answer = await peer.receive("PullRes")
            assert [item["eventEncoded"] for item in answer["batch"]] == [
                event(1),
                event(2),
            ]
            assert answer["requestId"]["context"] == "push"
            assert answer["remaining"] == 0


async def test_the_time_of_an_event_is_noted(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async with join(server) as peer:
        await peer.push_and_confirm(event(1))
        (stored,) = await peer.pull()
    assert stored["metadata"]["_tag"] == "Some"
    created_at = parse_date(stored["metadata"]["value"]["createdAt"])
    assert abs(datetime.now(UTC) - created_at) < timedelta(minutes=1)


async def test_args_come_back_byte_for_byte(server: Server, join: Join) -> None:
    args = r'{ "newPosition":1.50,"id":"\u00e9é \ud83d 😀","extra":1e2 }'
    head = '{"_tag":"WSMessage.PushReq","requestId":"p","batch":[{"name":"v1.CellMoved"'
    tail = '"seqNum":1,"parentSeqNum":0,"clientId":"c","sessionId":"s"}]}'
    async with join(server) as peer:
        await peer.send_text(f'{head},"args":{args},{tail}')
        await peer.receive("PushAck")
        assert f'"args":{args},"seqNum":1' in await peer.receive_text()
        await peer.send("PullReq", requestId="r")
        assert f'"args":{args},"seqNum":1' in await peer.receive_text()


async def test_absent_args_stay_absent(
    server: Server, join: Join, event: MakeEvent
) -> None:
    bare = event(1, name="v1.AllExecutionsCancelled")
    del bare["args"]
    async with join(server) as peer:
        await peer.push_and_confirm(bare)
        (stored,) = await peer.pull()
    assert stored["eventEncoded"] == bare


async def test_unknown_events_are_kept_and_passed_on(
    server: Server, join: Join, event: MakeEvent
) -> None:
    newer = event(1, name="v9.FromTheFuture", args={"x": [1, None]})
    async with join(server) as peer:
        await peer.push_and_confirm(newer)
        assert [item["eventEncoded"] for item in await peer.pull()] == [newer]


async def test_a_long_log_comes_in_chunks_from_the_cursor(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async with join(server) as peer:
        for start in range(1, 251, 50):
            await peer.push_and_confirm(*(event(start + i) for i in range(50)))
    async with join(server) as late:
        await late.send("PullReq", requestId="r", cursor=20)
        sizes: list[tuple[int, int]] = []
        for _ in range(3):
            answer = await late.receive("PullRes")
            sizes.append((len(answer["batch"]), answer["remaining"]))
    assert sizes == [(100, 130), (100, 30), (30, 0)]


async def test_stores_do_not_see_each_other(
    server: Server, join: Join, event: MakeEvent
) -> None:
    ids = ["a", "A", "../../etc/passwd", "ü/\N{SNOWMAN}?&=%", "x" * 512, "\x00 '\";--"]
    for store_id in ids:
        async with join(server, store_id) as peer:
            await peer.push_and_confirm(event(1, args={"id": store_id}))
    for store_id in ids:
        async with join(server, store_id) as peer:
            (stored,) = await peer.pull()
        assert stored["eventEncoded"]["args"]["id"] == store_id


async def test_a_push_behind_the_head_is_refused_and_the_client_healed(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async with join(server) as one:
        await one.push_and_confirm(event(1))
        async with join(server) as two:
            await two.pull()
            await one.push_and_confirm(event(2))
            await two.receive("PullRes")
            # Three never heard of event 2, as a client that was away for a moment.
            async with join(server) as three:
                await three.push(event(2, clientId="three"), request_id="stale")
                refusal = await three.receive("Error")
                assert refusal["requestId"] == "stale"
                assert "Received e1 but expected e2" in refusal["message"]
                healing = await three.receive("PullRes")
                assert healing["requestId"]["context"] == "push"
                assert [i["eventEncoded"] for i in healing["batch"]] == [event(2)]
                await three.push_and_confirm(event(3, clientId="three"))


async def test_nobody_gets_broadcasts_before_saying_where_it_stands(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async with join(server) as one, join(server) as mute:
        await one.push_and_confirm(event(1))
        assert await mute.is_silent()
        assert len(await mute.pull()) == 1
        await one.push_and_confirm(event(2))
        assert len((await mute.receive("PullRes"))["batch"]) == 1


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        ("no json", "Invalid message"),
        ("[]", "Invalid message"),
        ('{"_tag":"WSMessage.Nonsense","requestId":"r"}', "Invalid message"),
        ('{"_tag":"WSMessage.PullReq","requestId":7}', "Invalid message"),
        ('{"_tag":"WSMessage.PullReq","requestId":"r","cursor":9}', "log ends at e0"),
        ('{"_tag":"WSMessage.PushAck","requestId":"r"}', "no message for a server"),
    ],
)
async def test_a_wrong_frame_is_answered_and_the_socket_lives(
    server: Server, join: Join, event: MakeEvent, frame: str, complaint: str
) -> None:
    async with join(server) as peer:
        await peer.send_text(frame)
        assert complaint in (await peer.receive("Error"))["message"]
        await peer.push_and_confirm(event(1))


async def test_an_event_that_would_poison_clients_is_refused(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async with join(server) as peer:
        await peer.push(event(1), event(2, name="v1.CellDeleted", args={"id": None}))
        assert "Invalid event e2" in (await peer.receive("Error"))["message"]
        assert await peer.pull() == []


async def test_a_binary_frame_closes_its_socket_only(
    server: Server, join: Join, event: MakeEvent
) -> None:
    async with join(server) as other, join(server) as peer:
        await peer.socket.send(b"\x00\x01")
        await peer.is_closed_with(1003, "sync messages are text frames")
        await other.push_and_confirm(event(1))


async def test_what_was_acked_is_there_after_a_restart(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    async with open_server(data_dir=data_dir) as server, join(server) as peer:
        await peer.push_and_confirm(event(1), event(2))
        before = await peer.pull()
    async with open_server(data_dir=data_dir) as server, join(server) as peer:
        assert await peer.pull() == before
        await peer.push_and_confirm(event(3))


async def see_it_go(
    server: Server, join: Join, task_status: trio.TaskStatus[None]
) -> None:
    async with join(server) as peer:
        await peer.pull()
        task_status.started()
        await peer.is_closed_with(1001, "the server stops")


async def test_the_server_says_that_it_goes_and_is_quick_about_it(
    data_dir: Path, join: Join
) -> None:
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            async with open_server(data_dir=data_dir) as server:
                for _ in range(3):
                    await nursery.start(see_it_go, server, join)
                # A connection that never asks for anything does not hold it up either.
                port = int(server.base_url.rpartition(":")[2])
                idle = await trio.open_tcp_stream("127.0.0.1", port)
                begin = trio.current_time()
            assert trio.current_time() - begin < Limits().stop_s / 2
            async with idle:
                assert await idle.receive_some() == b""


async def test_errors_of_the_block_come_out_unwrapped(data_dir: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_server(data_dir=data_dir):
            _ = 1 / 0


async def test_a_cancelled_block_ends_the_server_in_the_same_order(
    data_dir: Path, join: Join
) -> None:
    with trio.fail_after(5):
        begin = trio.current_time()
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as scope:
                async with open_server(data_dir=data_dir) as server:
                    await nursery.start(see_it_go, server, join)
                    scope.cancel()
                    await trio.sleep_forever()
            assert trio.current_time() - begin < Limits().stop_s / 2
        async with open_server(data_dir=data_dir):
            pass  # nothing holds the directory any more


async def test_no_log_line_and_no_repr_holds_the_token(
    data_dir: Path, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets").setLevel(logging.ERROR)  # the client's own log
    async with open_server(data_dir=data_dir, token="sesame-42") as server:
        async with join(server) as peer:
            await peer.send_text("nonsense")
            await peer.receive("Error")
        assert "sesame" not in repr(server) + str(vars(server)) + str(server)
    assert "sesame" not in caplog.text


async def test_the_largest_message_passes(
    server: Server, join: Join, event: MakeEvent
) -> None:
    room = Limits().sync.max_message_bytes - 1000
    async with join(server, compression=None) as peer:
        await peer.push_and_confirm(event(1, args={"id": "x" * room}))
        (stored,) = await peer.pull()
    assert len(stored["eventEncoded"]["args"]["id"]) == room


async def test_many_clients_agree_on_one_log(server: Server, join: Join) -> None:
    logs: list[list[str]] = []

    async def take_part(name: str) -> None:
        async with join(server) as peer:
            seen = [json.dumps(item["eventEncoded"]) for item in await peer.pull()]
            pending, mine = 5, 0
            in_flight = False
            while len(seen) < 20:
                if mine < pending and not in_flight:
                    in_flight = True
                    await peer.send(
                        "PushReq",
                        requestId=name,
                        batch=[
                            {
                                "name": "v1.Debug",
                                "args": {"id": f"{name}-{mine}"},
                                "seqNum": len(seen) + 1,
                                "parentSeqNum": len(seen),
                                "clientId": name,
                                "sessionId": "s",
                            }
                        ],
                    )
                message = json.loads(await peer.receive_text())
                match message["_tag"]:
                    case "WSMessage.PullRes":
                        encoded = [i["eventEncoded"] for i in message["batch"]]
                        seen += map(json.dumps, encoded)
                    case "WSMessage.PushAck":
                        mine, in_flight = mine + 1, False
                    case _:
                        in_flight = False
            logs.append(seen)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for name in "abcd":
                nursery.start_soon(take_part, name)
    assert len(logs) == 4
    assert all(log == logs[0] for log in logs)
    assert len(set(logs[0])) == 20


async def test_a_push_that_comes_again_after_a_restart_is_stored_once(
    data_dir: Path, join: Join, event: MakeEvent
) -> None:
    # A client that was closed before it heard of its push repeats it.
    async with open_server(data_dir=data_dir) as server, join(server) as peer:
        await peer.pull()
        await peer.push_and_confirm(event(1), event(2))

    async with open_server(data_dir=data_dir) as server, join(server) as peer:
        await peer.pull()
        await peer.push(event(1), event(2))
        await peer.receive("PushAck")
        await peer.push_and_confirm(event(3))
        numbers = [item["eventEncoded"]["seqNum"] for item in await peer.pull()]

    assert numbers == [1, 2, 3]
