"""One notebook of 200,000 events with 50 clients, and a server of 500 notebooks."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median

import sync_load
import trio
from sync_servers import TOKEN, RunningServer

_EVENTS = 200_000
_CLIENTS = 50
_STORES = 500
_PUSH_PAUSE_S = 0.05


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
    await measure_pulls(server)
    stores = [f"store-{number}" for number in range(_STORES)]
    seconds = await sync_load.push_s(server.url, TOKEN, stores, 1, 2)
    tell(
        f"pushed by {_STORES} clients, a notebook each", server, _STORES * 100, seconds
    )
    await measure_open(server, stores)
    tell("all gone again", server, 1, 1)


async def measure_pulls(server: RunningServer) -> None:
    """Have many clients pull all of a log at once, while another one pushes to it.

    They stay until they have what was pushed meanwhile, too.
    """
    followers = [sync_load.Follower() for _ in range(_CLIENTS)]

    def have(head: int) -> bool:
        return all(follower.head >= head for follower in followers)

    async with AsyncExitStack() as stack:
        pusher, *sockets = [
            await stack.enter_async_context(sync_load.join(server.url, "large", TOKEN))
            for _ in range(_CLIENTS + 1)
        ]
        peak = await stack.enter_async_context(watched_memory(server))
        nursery = await stack.enter_async_context(trio.open_nursery())
        started = time.perf_counter()
        for follower, socket in zip(followers, sockets, strict=True):
            nursery.start_soon(follower.follow, socket)
        took: list[float] = []
        while not have(_EVENTS):
            begin = time.perf_counter()
            frame = sync_load.push_frame(_EVENTS + len(took) + 1, 1)
            await sync_load.push(pusher, frame)
            took.append(time.perf_counter() - begin)
            await trio.sleep(_PUSH_PAUSE_S)
        seconds = time.perf_counter() - started
        name = f"all of it pulled by {_CLIENTS} clients at once"
        tell(name, server, _EVENTS * _CLIENTS, seconds)
        while not have(_EVENTS + len(took)):  # noqa: ASYNC110 - each has its own
            await trio.sleep(0.01)
        later_s = time.perf_counter() - started - seconds
        nursery.cancel_scope.cancel()
    print(f"{'':<48}most memory meanwhile {peak():.0f} MiB")
    print(
        f"{'':<48}{len(took):,} pushes of another client meanwhile: median "
        f"{1000 * median(took):.0f} ms, {1000 * max(took):.0f} ms at most"
    )
    print(f"{'':<48}{later_s:.1f} s later all had these, too")


@asynccontextmanager
async def watched_memory(
    server: RunningServer,
) -> AsyncGenerator[Callable[[], float]]:
    """Look at a server's memory; what it gives returns the most so far, in MiB."""
    seen = [server.memory_mib()]

    async def watch() -> None:
        while True:
            await trio.sleep(0.1)
            seen.append(server.memory_mib())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        yield lambda: max(seen)
        nursery.cancel_scope.cancel()


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
