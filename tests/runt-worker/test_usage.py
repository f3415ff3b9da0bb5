"""What a sandbox uses of the machine: memory and disk, each with its limit."""

import time

import pytest
import trio

from runt_worker import (
    LimitExceededError,
    Limits,
    WorkerDiedError,
    WorkerOptions,
    open_worker,
)
from runt_worker._limits import default_memory_bytes, size_text
from runt_worker._usage import memory_bytes
from runt_worker.testing import run_cell

MIN_MEMORY_BYTES = Limits.MIN_MEMORY_BYTES
SMALL = WorkerOptions(limits=Limits(memory_bytes=MIN_MEMORY_BYTES))
TINY_DISK = WorkerOptions(limits=Limits(disk_bytes=8 * 1024 * 1024))

HOARD = "kept = []\nwhile True: kept.append(bytes(10_000_000))"
LEAK = """
import asyncio, js
kept = []
while True:
    buffer = js.Uint8Array.new(20_000_000)
    buffer.fill(1)
    kept.append(buffer)
    await asyncio.sleep(0)
"""
LEAK_OBJECTS = """
from pyodide.code import run_js
run_js("globalThis.kept = []; for (let i = 0;; i++) kept.push(new Array(1000).fill(i))")
"""
WITHOUT_CAP = """
import pyodide_js
del pyodide_js._module.memory.grow
kept = []
while True: kept.append(b"x" * 10_000_000)
"""
FILL_CACHE = """
import js
cache = await js.caches.open("hoard")
for number in range(1000):
    await cache.put(
        f"https://example.org/{number}", js.Response.new(js.Uint8Array.new(2_000_000))
    )
"""
FILL_ONE_FILE = """
import js
cache = await js.caches.open("hoard")
await cache.put("https://example.org/", js.Response.new(js.Uint8Array.new(60_000_000)))
"""


async def test_python_gets_a_memory_error_and_goes_on() -> None:
    async with open_worker(SMALL) as worker:
        await run_cell(worker, "answer = 42")
        ran = await run_cell(worker, HOARD)
        assert ran.status == "MemoryError"
        assert memory_bytes(worker.pid) <= MIN_MEMORY_BYTES
        assert (await run_cell(worker, "del kept; print(answer)")).text() == "42\n"
        # What was given back can be used again.
        assert (await run_cell(worker, "x = bytes(50_000_000)")).status == "ok"


async def test_javascript_that_takes_too_much_is_killed_by_name() -> None:
    async with open_worker(SMALL) as worker:
        highest, start = 0, time.perf_counter()  # the last time it was within

        async def watch() -> None:
            nonlocal highest, start
            while True:
                used = memory_bytes(worker.pid)
                if used <= MIN_MEMORY_BYTES:
                    start = time.perf_counter()
                highest = max(highest, used)
                await trio.sleep(0.02)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            with pytest.raises(LimitExceededError, match=r"512 MB.*--memory-limit"):
                await run_cell(worker, LEAK)
            took_s = time.perf_counter() - start
            nursery.cancel_scope.cancel()
        assert highest > 0.8 * MIN_MEMORY_BYTES  # not killed long before
        assert took_s < 1
        await worker.restart()
        assert (await run_cell(worker, "1")).status == "ok"


@pytest.mark.parametrize("code", [WITHOUT_CAP, LEAK_OBJECTS], ids=["Python", "V8"])
async def test_a_guest_that_takes_off_its_cap_is_killed(code: str) -> None:
    async with open_worker(SMALL) as worker:
        with pytest.raises(LimitExceededError, match="--memory-limit"):
            await run_cell(worker, code)


@pytest.mark.parametrize("code", [FILL_CACHE, FILL_ONE_FILE])
async def test_denos_caches_do_not_fill_the_disk(code: str) -> None:
    async with open_worker(TINY_DISK) as worker:
        with pytest.raises(WorkerDiedError, match="into Deno's own directory"):
            await run_cell(worker, code)
        await worker.restart()
        assert (await run_cell(worker, "1")).status == "ok"


def test_the_default_is_a_share_of_the_machine() -> None:
    share = default_memory_bytes()
    assert MIN_MEMORY_BYTES <= share <= 4 * 1024**3
    assert Limits().memory_bytes == share
    assert Limits().python_bytes < share


def test_nothing_is_known_of_a_process_that_has_ended() -> None:
    assert memory_bytes(2**22 + 1) == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (17, "17 bytes"),
        (10 * 2**10, "10 KB"),
        (1000 * 2**20, "1000 MB"),
        (2**30, "1 GB"),
        (3 * 2**29, "1.5 GB"),
    ],
)
def test_sizes_read_well(size: int, text: str) -> None:
    assert size_text(size) == text
