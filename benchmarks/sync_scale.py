"""One notebook of 200,000 events with 50 clients, and a server of 500 notebooks."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from statistics import median

import sync_load
import trio
from sync_servers import TOKEN, RunningServer

_EVENTS = 200_000
_LATEST = 20_000
_CLIENTS = 50
_STORES = 500


def tell(name: str, server: RunningServer, events: int, seconds: float) -> None:
    """Print a step: its rate, and what the server has used and holds after it."""
    print(
        f"{name:<48}{seconds:>7.1f} s{events / seconds:>12,.0f} events/s"
        f"{server.cpu_s():>7.1f} s cpu in all"
        f"{server.memory_mib():>7.0f} MiB{server.open_files():>5} files",
        flush=True,
    )


async def measure_scale(server: RunningServer) -> None:
    """Load the server and print what each step takes and leaves."""
    batches = _EVENTS // sync_load.BATCH
    seconds = await sync_load.push_s(server.url, TOKEN, ["large"], 1, batches)
    tell("pushed into one notebook by one client", server, _EVENTS, seconds)
    seconds = await sync_load.pull_s(server.url, TOKEN, "large", 1)
    tell("pulled by one client", server, _EVENTS, seconds)
    peak = 0.0
    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            nonlocal peak
            while True:
                peak = max(peak, server.memory_mib())
                await trio.sleep(0.1)

        nursery.start_soon(watch)
        seconds = await sync_load.pull_s(
            server.url, TOKEN, "large", _CLIENTS, cursor=_EVENTS - _LATEST
        )
        nursery.cancel_scope.cancel()
    name = f"the latest pulled by {_CLIENTS} clients at once"
    tell(name, server, _LATEST * _CLIENTS, seconds)
    print(f"{'':<48}most memory meanwhile {peak:.0f} MiB")
    stores = [f"store-{number}" for number in range(_STORES)]
    seconds = await sync_load.push_s(server.url, TOKEN, stores, 1, 2)
    tell(
        f"pushed by {_STORES} clients, a notebook each", server, _STORES * 100, seconds
    )
    await measure_open(server, stores)
    tell("all gone again", server, 1, 1)


async def measure_open(server: RunningServer, stores: Sequence[str]) -> None:
    """Hold a client in each of many notebooks, and push one event into each."""
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(sync_load.join(server.url, store, TOKEN))
            for store in stores
        ]
        took: list[float] = []
        started = time.perf_counter()
        for socket in sockets:
            begin = time.perf_counter()
            await sync_load.push_all(socket, [sync_load.push_frame(101, 1)], 101)
            took.append(time.perf_counter() - begin)
        seconds = time.perf_counter() - started
        tell(f"with {len(stores)} notebooks open, one event each", server, 500, seconds)
        print(f"{'':<48}median {1000 * median(took):.1f} ms an event")
