"""A frame that begins and never ends, on either FIFO: the kernel is ended for it."""

import os
import struct
from collections.abc import Generator
from pathlib import Path

import pytest
import trio

from runt_worker import (
    GuestProtocolError,
    Limits,
    Worker,
    WorkerOptions,
    open_worker,
)
from runt_worker._calls import Answer, CallServer
from runt_worker.testing import TIMEOUT_S, SharedWorker, run_cell, shared_worker

PATIENCE_S = 0.5
OPTIONS = WorkerOptions(limits=Limits(frame_timeout_s=PATIENCE_S))
NOTHING_MORE = r"began a frame and sent nothing more of it for 0\.5 s"

BEGINNINGS = {
    "half a length": b"\x10\x00",
    "a length": struct.pack("<I", 100),
    "half a head": struct.pack("<II", 100, 50) + b'{"request":',
    "a head without its tail": struct.pack("<II", 1000, 2) + b"{}",
    "half of a large one": struct.pack("<II", 10_000_000, 2) + b"{}" + bytes(300_000),
}

WRITE_TO_ALL = """
from pyodide.code import run_js
run_js('''{{ const {{ core }} = Deno[Deno.internal];
for (let rid = 3; rid < 64; rid++) {{
    try {{ core.writeSync(rid, new Uint8Array({bytes})); }} catch {{}} }} }}''')
import asyncio; await asyncio.sleep(3600)
"""


@pytest.fixture(scope="module")
def impatient() -> Generator[SharedWorker]:
    with shared_worker(OPTIONS) as shared:
        yield shared


def control_fifo(worker: Worker) -> Path:
    """Return the FIFO that only the host thread of a sandbox writes to."""
    arguments = Path(f"/proc/{worker.pid}/cmdline").read_bytes().split(b"\0")
    [path] = [it for it in arguments if it.endswith(b"/control-out") and b"=" not in it]
    return Path(os.fsdecode(path))


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_message_that_never_ends(impatient: SharedWorker, beginning: bytes) -> None:
    async def speak_for_the_host_thread(worker: Worker) -> None:
        path = control_fifo(worker)

        async def speak() -> None:
            async with await trio.open_file(path, "wb", buffering=0) as fifo:
                await fifo.write(beginning)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak)
            with pytest.raises(GuestProtocolError, match=NOTHING_MORE):
                await run_cell(worker, "import asyncio; await asyncio.sleep(3600)")
        await worker.restart()

    impatient.call(speak_for_the_host_thread, impatient.worker)
    assert impatient.run("print('a fresh one')").text() == "a fresh one\n"


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_call_that_never_ends(impatient: SharedWorker, beginning: bytes) -> None:
    code = WRITE_TO_ALL.format(bytes=list(beginning[:2000]))
    with pytest.raises(GuestProtocolError, match=NOTHING_MORE):
        impatient.run(code)
    assert impatient.run("print('a fresh one')").text() == "a fresh one\n"


async def test_garbage_where_a_message_should_begin() -> None:
    async with open_worker() as worker:
        path = control_fifo(worker)
        async with trio.open_nursery() as nursery:

            async def speak() -> None:
                async with await trio.open_file(path, "wb", buffering=0) as fifo:
                    await fifo.write(b"\xff" * 1000)

            nursery.start_soon(speak)
            with pytest.raises(GuestProtocolError, match="a frame of 4294967295 bytes"):
                await run_cell(worker, "while True: pass")
        await worker.restart()
        assert (await run_cell(worker, "print(1)")).text() == "1\n"


def test_silence_between_frames_is_no_fault(impatient: SharedWorker) -> None:
    code = f"import time; time.sleep({4 * PATIENCE_S}); print('done')"
    assert impatient.run(code).text() == "done\n"


async def test_a_slow_call_is_taken_as_long_as_it_goes_on(tmp_path: Path) -> None:
    requests, replies = tmp_path / "requests", tmp_path / "replies"
    os.mkfifo(requests)
    os.mkfifo(replies)
    calls: list[int] = []

    def answer(_call: object) -> Answer:
        calls.append(1)
        return Answer({})

    server = CallServer(requests, replies, answer, frame_timeout_s=PATIENCE_S)
    head = b'{"id":1,"method":"m","parameters":{}}'
    with trio.fail_after(TIMEOUT_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, server.serve)
            with requests.open("wb", buffering=0) as fifo:
                for byte in struct.pack("<II", len(head) + 4, len(head)) + head:
                    fifo.write(bytes([byte]))
                    await trio.sleep(2 * PATIENCE_S / len(head))
                while not calls:  # noqa: ASYNC110 - another thread sets it
                    await trio.sleep(0.01)
            server.stop()
