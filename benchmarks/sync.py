"""Measure sync beside LiveStore's own server and client: ``hatch run bench-sync``.

The peer is `@livestore/sync-cf` 0.3.1 in workerd (miniflare), its database in memory,
while ours commits to the disk. The clients are the same for both. On a noisy machine
only the ratios count. ``--scale`` loads one notebook with 200,000 events and 50
clients, and a server with 500 notebooks.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles
from typing import TypeAlias
from uuid import uuid4

import sync_codec
import sync_load
import trio
from sync_scale import measure_scale
from sync_servers import TOKEN, RunningServer, open_runt_sync

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "interop"))
from livestore_rig import (
    Installation,
    install,
    open_client,
    open_livestore_server,
)

_Rate: TypeAlias = Callable[[], Awaitable[float]]

_TURNS = 3
_PULLED = 1_000
_EVENTS = 40_000
_JAVASCRIPT_EVENTS = 5_000


def report(name: str, ours: float, peer: float) -> None:
    """Print a rate of both and how many times ours is the peer's."""
    print(f"{name:<42}{ours:>12,.0f}/s{peer:>12,.0f}/s{ours / peer:>8.1f} x")


async def compare_servers(ours: RunningServer, peer: RunningServer) -> None:
    """Compare what the servers take in, hand out, and pass on."""
    print(f"{'':<42}{'runt-sync':>14}{'sync-cf':>14}{'ratio':>10}")
    for clients, batches, peer_batches in ((1, 60, 10), (10, 20, 2)):
        name = f"events pushed durably, {clients} client(s)"
        await compare_rates(
            name,
            lambda clients=clients, batches=batches: push_rate(ours, clients, batches),
            lambda clients=clients, batches=peer_batches: push_rate(
                peer, clients, batches
            ),
        )
    for readers in (1, 10):
        await compare_rates(
            f"events pulled, {readers} client(s)",
            lambda readers=readers: pull_rate(ours, readers),
            lambda readers=readers: pull_rate(peer, readers),
        )
    for listeners in (1, 10, 50):
        ours_ms = await latencies_ms(ours, listeners)
        peer_ms = await latencies_ms(peer, listeners)
        for point_name, point in (("p50", median), ("p99", _p99)):
            mine, theirs = point(ours_ms), point(peer_ms)
            print(
                f"broadcast to {listeners:>2} client(s), {point_name:<17}"
                f"{mine:>11.1f} ms{theirs:>11.1f} ms{mine / theirs:>8.2f} x"
            )


async def compare_rates(name: str, ours: _Rate, peer: _Rate) -> None:
    """Measure both in turns and report the medians."""
    pairs = [(await ours(), await peer()) for _ in range(_TURNS)]
    report(name, median(pair[0] for pair in pairs), median(pair[1] for pair in pairs))


async def push_rate(server: RunningServer, clients: int, batches: int) -> float:
    """Return events a second of clients that push into a new log each."""
    stores = [f"push-{uuid4()}" for _ in range(clients)]
    seconds = await sync_load.push_s(server.url, TOKEN, stores, 1, batches)
    return clients * batches * sync_load.BATCH / seconds


async def pull_rate(server: RunningServer, readers: int) -> float:
    """Return events a second of clients that pull the same log."""
    store = f"pull-{uuid4()}"
    batches = _PULLED // sync_load.BATCH
    await sync_load.push_s(server.url, TOKEN, [store], 1, batches)
    seconds = await sync_load.pull_s(server.url, TOKEN, store, readers)
    return readers * _PULLED / seconds


async def latencies_ms(server: RunningServer, listeners: int) -> list[float]:
    """Return milliseconds from a push of one event to its arrival at the others."""
    seconds = await sync_load.latencies_s(
        server.url, TOKEN, f"latency-{listeners}", listeners, events=100
    )
    return [1000 * second for second in seconds]


def _p99(series: list[float]) -> float:
    return quantiles(series, n=100)[-1]


def measure_codec() -> float:
    """Print events a second of our core; return the rate of a whole pull."""
    rates = sync_codec.rates(_EVENTS)
    for name, rate in rates.items():
        print(f"{name:<42}{rate:>12,.0f}/s")
    return rates["from frames into a replica"]


async def javascript_rate(
    installation: Installation, server: RunningServer, directory: Path
) -> float:
    """Return events a second that LiveStore's own store pulls and materialises.

    An empty log is opened first, so that the start of the store does not count.
    """
    store, batches = "javascript", _JAVASCRIPT_EVENTS // sync_load.BATCH
    await sync_load.push_s(server.url, TOKEN, [store], 1, batches)
    seconds: list[float] = []
    async with open_client(installation, directory / "client.log") as client:
        for store_id, head in (("empty", 0), (store, _JAVASCRIPT_EVENTS)):
            started = time.perf_counter()
            await client.open(url=server.url, token=TOKEN, store_id=store_id)
            await client.wait_head(head)
            seconds.append(time.perf_counter() - started)
            await client.close()
    return _JAVASCRIPT_EVENTS / (seconds[1] - seconds[0])


async def measure(directory: Path, *, scale: bool) -> None:
    """Measure everything that runs beside a peer, or our server at full scale."""
    async with open_runt_sync(directory / "data") as ours:
        if scale:
            await measure_scale(ours)
            return
        installation = install("0.3")
        async with open_livestore_server(
            installation, directory / "server.log", TOKEN
        ) as url:
            await compare_servers(ours, RunningServer(url))
        print("\none core of a client")
        rate = measure_codec()
        report(
            "... and LiveStore's own store",
            rate,
            await javascript_rate(installation, ours, directory),
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--scale", action="store_true", help="the full scale, ours only"
    )
    scale: bool = parser.parse_args().scale
    with tempfile.TemporaryDirectory() as directory:
        trio.run(lambda: measure(Path(directory), scale=scale))


if __name__ == "__main__":
    main()
