"""However a sandbox process goes, it is seen, told in a sentence, and made up for.

Elsewhere: what it uses too much of (`test_usage`), garbage on its FIFOs and frames that
never end (`tests/security/test_forgery`, `test_half_frames`), what goes on when it is
interrupted (`test_interrupt_shapes`), and what is left of it (`test_isolation`).
"""

import os
import signal
import subprocess
import sys
import time

import pytest
import trio

from runt_worker import (
    Limits,
    UnheededInterruptError,
    Worker,
    WorkerDiedError,
    WorkerOptions,
    launch_early,
    open_worker,
)
from runt_worker.testing import TIMEOUT_S, SharedWorker, run_cell

SOON_S = 8.0
"""Generous: this machine may be busy."""

CLOSED_FIFOS = """
from pyodide.code import run_js
run_js("const { core } = Deno[Deno.internal];"
       "for (let rid = 0; rid < 64; rid++) try { core.close(rid); } catch {}")
import asyncio; await asyncio.sleep(3600)
"""
LOOSE_ERROR = """
from pyodide.code import run_js
run_js('setTimeout(() => { throw new Error("loose") })')
import asyncio; await asyncio.sleep(3600)
"""

FULL = """
import ctypes
blocks = []
while block := ctypes.pythonapi.PyMem_RawMalloc(50_000_000): blocks.append(block)
try:
    while True: blocks.append(bytes(100_000))
finally:
    kept_blocks = len(blocks)
    blocks = [free(it) for it in blocks if isinstance(it, int)
              for free in [ctypes.pythonapi.PyMem_RawFree]]
"""

ENDS = {
    "os._exit": ("import os; os._exit(3)", r"exit\(3\)"),
    "os.abort": ("import os; os.abort()", r"the kernel failed: "),
    "wasm trap": ("import ctypes; ctypes.string_at(0xFFFFFFF0, 64)", "failed: "),
    "Deno.exit": ("import js; js.Deno.exit(4)", "ended its own thread"),
    "self.close": ("import js; js.self.close()", "ended its own thread"),
    "closed FIFOs": (CLOSED_FIFOS, "closed its files"),
    "error in a callback": (LOOSE_ERROR, "loose"),
}

SURVIVED = {
    "sys.exit": ("import sys; sys.exit(5)", "SystemExit"),
    "recursion": ("def f(): f()\nf()", "RecursionError"),
    "recursion in JavaScript": (
        "from pyodide.code import run_js\nrun_js('(function f() { f() })()')",
        "JsException",
    ),
    "wasm out of memory": (FULL, "MemoryError"),
}


@pytest.mark.parametrize(("code", "reason"), ENDS.values(), ids=ENDS)
def test_an_end_is_seen_told_and_made_up_for(
    sandbox: SharedWorker, code: str, reason: str
) -> None:
    started = time.monotonic()
    with pytest.raises(WorkerDiedError, match=reason):
        sandbox.run(code)
    assert time.monotonic() - started < SOON_S
    assert sandbox.run("print('a fresh one')").text() == "a fresh one\n"


@pytest.mark.parametrize(("code", "status"), SURVIVED.values(), ids=SURVIVED)
def test_what_ends_other_pythons_ends_a_cell_only(
    sandbox: SharedWorker, code: str, status: str
) -> None:
    sandbox.run("kept = 'kept'")
    assert sandbox.run(code).status == status
    assert sandbox.run("print(kept)").text() == "kept\n"


def test_an_end_between_cells_is_told_to_the_next_one(sandbox: SharedWorker) -> None:
    async def die_idle(worker: Worker) -> None:
        os.killpg(worker.pid, signal.SIGKILL)
        await trio.sleep(0.5)
        with pytest.raises(WorkerDiedError, match="SIGKILL"):
            await run_cell(worker, "1")
        await worker.restart()

    sandbox.call(die_idle, sandbox.worker)
    assert sandbox.run("print('a fresh one')").text() == "a fresh one\n"


async def test_a_sandbox_that_is_silent_from_the_start_is_given_up() -> None:
    options = WorkerOptions(limits=Limits(start_timeout_s=1.0))
    with launch_early() as launched:
        assert launched is not None
        os.kill(launched.popen.pid, signal.SIGSTOP)
        with pytest.raises(WorkerDiedError, match=r"not ready within 1 s"):
            async with open_worker(options, launched=launched):
                pass
        assert launched.popen.poll() is not None


async def test_a_sandbox_that_falls_silent_is_killed_when_it_is_told_to_stop() -> None:
    options = WorkerOptions(limits=Limits(interrupt_grace_s=0.5))
    async with open_worker(options) as worker:

        async def silence() -> None:
            await trio.sleep(0.2)
            os.killpg(worker.pid, signal.SIGSTOP)
            worker.interrupt()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(silence)
            with pytest.raises(UnheededInterruptError, match=r"within 0\.5 s"):
                await run_cell(worker, "while True: pass")
        await worker.restart()
        assert (await run_cell(worker, "print(1)")).text() == "1\n"


SUPERVISOR = """
import trio
from runt_worker import open_worker

async def main():
    async with open_worker() as worker:
        def show(output):
            print(worker.pid, flush=True)
        await worker.execute("print('begun')\\nwhile True: pass", show)

trio.run(main)
"""


SUPERVISOR_OF_A_START = """
import sys
from runt_worker import launch_early
with launch_early() as launched:
    print(launched.popen.pid, flush=True)
    sys.stdin.read()
"""


# One that has just been started opens its FIFOs when nobody is there any more.
@pytest.mark.parametrize(
    ("supervisor", "within_s"), [(SUPERVISOR, 2), (SUPERVISOR_OF_A_START, 15)]
)
def test_a_supervisor_that_is_killed_leaves_no_process(
    supervisor: str, within_s: float
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", supervisor],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + within_s
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """Tell whether a process does anything; this machine's init may reap late."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")
