"""What LiveStore 0.3.1 listens to after a lost connection, shown by a scripted server.

It neither pulls again nor repeats a push. These are the two messages that would still
reach it, should a server know that it has to send them: an answer to the one pull of
its life, and the ack of the one push that it waits for. Neither means anything to any
other client. A server that wants to use them has to know exactly which events the
client has received: one twice stops the client's syncing, one too few is lost to it.
"""

import json
from functools import partial
from typing import Any, Final, TypeAlias

import pytest
import trio
from livestore_rig import OLD_ONLY, TIMEOUT_S, LiveStoreClient, Peers
from websockets.exceptions import ConnectionClosed
from websockets.trio.server import ServerConnection, serve

Message: TypeAlias = dict[str, Any]

PING: Final = {"_tag": "WSMessage.Ping", "requestId": "ping"}


class ScriptedServer:
    """Says what a test tells it to; answers pings by itself."""

    def __init__(self) -> None:
        self.url = ""
        self.pull_id = ""
        self._send_connection, self.connections = trio.open_memory_channel[
            ServerConnection
        ](10)
        self._send_request, self._requests = trio.open_memory_channel[Message](10)

    async def serve(self, connection: ServerConnection) -> None:
        await self._send_connection.send(connection)
        try:
            async for text in connection:
                message = json.loads(text)
                if message == PING:
                    await send(connection, "Pong", requestId="ping")
                else:
                    await self._send_request.send(message)
        except ConnectionClosed:
            pass

    async def accept(self) -> ServerConnection:
        with trio.fail_after(TIMEOUT_S):
            return await self.connections.receive()

    async def request(self, tag: str) -> Message:
        with trio.fail_after(TIMEOUT_S):
            message = await self._requests.receive()
        assert message["_tag"] == f"WSMessage.{tag}"
        return message

    async def accept_with_pull(self) -> ServerConnection:
        connection = await self.accept()
        self.pull_id = (await self.request("PullReq"))["requestId"]
        await self.answer_pull(connection)
        return connection

    async def answer_pull(self, connection: ServerConnection, *events: Message) -> None:
        await send(
            connection,
            "PullRes",
            batch=[{"eventEncoded": e, "metadata": {"_tag": "None"}} for e in events],
            requestId={"context": "pull", "requestId": self.pull_id},
            remaining=0,
        )


async def send(connection: ServerConnection, tag: str, **fields: object) -> None:
    await connection.send(json.dumps({"_tag": f"WSMessage.{tag}", **fields}))


def foreign_event(seq_num: int) -> Message:
    return {
        "name": "v1.Debug",
        "args": {"id": f"foreign-{seq_num}"},
        "seqNum": seq_num,
        "parentSeqNum": seq_num - 1,
        "clientId": "somebody",
        "sessionId": "somebody-s",
    }


pytestmark = OLD_ONLY


@pytest.fixture
async def server(nursery: trio.Nursery) -> ScriptedServer:
    scripted = ScriptedServer()
    listening = await nursery.start(partial(serve, scripted.serve, 0, host="127.0.0.1"))
    port = listening.listeners[0].socket.getsockname()[1]
    scripted.url = f"ws://127.0.0.1:{port}/livestore"
    return scripted


async def strand_client(
    server: ScriptedServer, peers: Peers
) -> tuple[LiveStoreClient, ServerConnection, Message]:
    """Have a client connected again that waits for the ack of an earlier push."""
    livestore = await peers.livestore(server.url, wait_for_pull=False)
    connection = await server.accept_with_pull()
    await livestore.commit({"name": "v1.Debug", "args": {"id": "own"}})
    push = await server.request("PushReq")
    await connection.aclose()
    return livestore, await server.accept(), push


async def test_an_answer_to_its_one_pull_makes_it_push_again(
    server: ScriptedServer, peers: Peers
) -> None:
    livestore, connection, lost = await strand_client(server, peers)
    await livestore.commit({"name": "v1.Debug", "args": {"id": "later"}})

    await server.answer_pull(connection, foreign_event(1))
    push = await server.request("PushReq")

    assert push["requestId"] != lost["requestId"]
    assert [(e["seqNum"], e["args"]["id"]) for e in push["batch"]] == [
        (2, "own"),
        (3, "later"),
    ]


async def test_the_ack_of_its_push_and_the_echo_let_it_go_on(
    server: ScriptedServer, peers: Peers
) -> None:
    livestore, connection, stored = await strand_client(server, peers)

    await send(connection, "PushAck", requestId=stored["requestId"])
    await server.answer_pull(connection, *stored["batch"])
    await livestore.wait_head(1)
    await livestore.commit({"name": "v1.Debug", "args": {"id": "later"}})
    push = await server.request("PushReq")

    assert [(e["seqNum"], e["args"]["id"]) for e in push["batch"]] == [(2, "later")]


async def test_what_is_addressed_to_another_client_does_it_no_harm(
    server: ScriptedServer, peers: Peers
) -> None:
    livestore = await peers.livestore(server.url, wait_for_pull=False)
    connection = await server.accept_with_pull()
    own_pull_id, server.pull_id = server.pull_id, "somebody else's"

    await send(connection, "PushAck", requestId="somebody else's")
    await server.answer_pull(connection, foreign_event(5))
    server.pull_id = own_pull_id
    await server.answer_pull(connection, foreign_event(1))

    await livestore.wait_head(1)
    assert [row["id"] for row in (await livestore.tables())["debug"]] == ["foreign-1"]
