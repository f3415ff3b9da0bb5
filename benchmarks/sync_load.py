"""The same load for any sync server that speaks LiveStore 0.3.1: push, pull, listen.

The clients are as lean as they can be, so that the server is what is measured: frames
are made beforehand, and of an answer only its first and last characters are read.
"""

import json
import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import trio
from websockets.trio.client import ClientConnection, connect

from runt_protocol import connect_url

BATCH = 50
"""Events of one push: as many as the JavaScript client puts into one."""

_ANSWER_S = 60
_ACK = '{"_tag":"WSMessage.PushAck"'
_ANSWER = '{"_tag":"WSMessage.PullRes"'
_ERROR = '{"_tag":"WSMessage.Error"'
_LAST = '"remaining":0}'
_NUMBER = re.compile('"seqNum":([0-9]+)')


@asynccontextmanager
async def join(url: str, store_id: str, token: str) -> AsyncGenerator[ClientConnection]:
    """Connect a client to a store."""
    address = connect_url(url, store_id, {"authToken": token})
    async with connect(
        address, compression=None, max_size=None, ping_interval=None
    ) as socket:
        yield socket


def push_frame(first: int, count: int, *, text_chars: int = 60) -> str:
    """Return a push of terminal output, which is what most events of a log are."""
    events = [
        {
            "name": "v2.TerminalOutputAppended",
            "args": {
                "id": f"delta-{number}",
                "outputId": "output-1",
                "delta": "x" * text_chars,
                "sequenceNumber": number,
            },
            "seqNum": number,
            "parentSeqNum": number - 1,
            "clientId": "benchmark",
            "sessionId": "benchmark",
        }
        for number in range(first, first + count)
    ]
    message = {"_tag": "WSMessage.PushReq", "requestId": f"p{first}", "batch": events}
    return json.dumps(message, separators=(",", ":"))


async def receive(socket: ClientConnection) -> str:
    """Return the next frame.

    Raises:
        RuntimeError: The server refuses something.
    """
    with trio.fail_after(_ANSWER_S):
        text = await socket.recv(decode=True)
    if text.startswith(_ERROR):
        raise RuntimeError(text)
    return text


async def push(socket: ClientConnection, frame: str) -> None:
    """Push a batch and wait for its acknowledgement."""
    await socket.send(frame)
    while not (await receive(socket)).startswith(_ACK):
        pass


async def push_all(socket: ClientConnection, frames: Sequence[str], last: int) -> None:
    """Push one batch after the other, and see that the log holds the last event.

    A server may acknowledge before it has stored; a pull shows what it has.
    """
    for frame in frames:
        await push(socket, frame)
    while True:
        cursor = f'"requestId":"pull","cursor":{last - 1}'
        await socket.send(f'{{"_tag":"WSMessage.PullReq",{cursor}}}')
        while '"context":"pull"' not in (text := await receive(socket)):
            pass
        if f'"seqNum":{last}' in text:
            return


async def request_pull(socket: ClientConnection) -> None:
    """Ask for all of a log."""
    await socket.send('{"_tag":"WSMessage.PullReq","requestId":"pull","cursor":0}')


async def pull_all(socket: ClientConnection) -> None:
    """Pull all of a log."""
    await request_pull(socket)
    while not (await receive(socket)).endswith(_LAST):
        pass


class Follower:
    """A client that pulls all of a log, and stays for what is pushed later.

    Attributes:
        head: The number of the last event that it has; it has all before, too.
    """

    def __init__(self) -> None:
        self.head = 0

    async def follow(self, socket: ClientConnection) -> None:
        """Read answers and broadcasts for ever.

        Raises:
            RuntimeError: An event is missing, or comes twice.
        """
        await request_pull(socket)
        while True:
            numbers = [int(n) for n in _NUMBER.findall(await receive(socket))]
            expected = range(self.head + 1, self.head + 1 + len(numbers))
            if numbers != list(expected):
                raise RuntimeError(f"e{expected.start} is to come, not {numbers[:1]}")
            self.head += len(numbers)


async def push_s(
    url: str, token: str, stores: Sequence[str], first: int, batches: int
) -> float:
    """Return seconds in which one client a store pushes its batches, all at once."""
    frames = [push_frame(first + n * BATCH, BATCH) for n in range(batches)]
    last = first + batches * BATCH - 1
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(join(url, store, token)) for store in stores
        ]
        started = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for socket in sockets:
                nursery.start_soon(push_all, socket, frames, last)
        return time.perf_counter() - started


async def pull_s(url: str, token: str, store: str, readers: int) -> float:
    """Return seconds in which some clients pull the same log, all at once."""
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(join(url, store, token))
            for _ in range(readers)
        ]
        started = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for socket in sockets:
                nursery.start_soon(pull_all, socket)
        return time.perf_counter() - started


async def latencies_s(
    url: str, token: str, store: str, listeners: int, events: int
) -> list[float]:
    """Return for each event and listener the seconds from its push to its arrival.

    One event is pushed at a time, when all listeners have the one before.
    """
    found: list[float] = []
    sent_at = 0.0

    async def listen_once(socket: ClientConnection) -> None:
        while not (await receive(socket)).startswith(_ANSWER):
            pass
        found.append(time.perf_counter() - sent_at)

    async with AsyncExitStack() as stack:
        pusher, *others = [
            await stack.enter_async_context(join(url, store, token))
            for _ in range(listeners + 1)
        ]
        for socket in others:
            await pull_all(socket)
        for number in range(1, events + 1):
            async with trio.open_nursery() as nursery:
                for socket in others:
                    nursery.start_soon(listen_once, socket)
                sent_at = time.perf_counter()
                await pusher.send(push_frame(number, 1))
            await receive(pusher)  # the acknowledgement
            await receive(pusher)  # its own broadcast
    return found
