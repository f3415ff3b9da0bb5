"""Nothing of one kernel is left in the next one of the same worker, nor on the host."""

import os
from pathlib import Path

import pytest
import trio

from runt_worker import Error, Worker, WorkerDiedError
from runt_worker.testing import TIMEOUT_S, Ran, SharedWorker, run_cell

LEAVE_TRACES = """
import asyncio, builtins, js, os, sys, threading, warnings
from pathlib import Path
from pyodide.code import run_js
from pyodide.ffi import create_proxy

variable = "left"
builtins.left = sys.modules["left"] = os.environ["LEFT"] = "left"
sys.path.append("/left")
warnings.filterwarnings("error", "left")
os.chdir("/tmp")
for place in ("/tmp", "/home", "/home/pyodide", "/"):
    Path(place, "left.txt").write_text("left")
cache = await js.caches.open("left")
await cache.put("https://example.org/left", js.Response.new("left"))
run_js("globalThis.left = 'left'; Object.prototype.left = 'left'")
get_ipython().user_ns["left"] = get_ipython().history_manager
print("to be continued in a callback", flush=True)

async def go_on():
    while True:
        print("left by a task", flush=True)
        await asyncio.sleep(0.01)
tasks = [asyncio.ensure_future(go_on())]
js.setInterval(create_proxy(lambda: print("left by a timer", flush=True)), 10)
"""

TRACES = """
import asyncio, builtins, js, os, sys, warnings
from pathlib import Path
from pyodide.code import run_js
signs = {
    "variable": "variable" in globals(),
    "builtin": hasattr(builtins, "left"),
    "module": "left" in sys.modules,
    "environment": "LEFT" in os.environ,
    "path": "/left" in sys.path,
    "warning": any("left" in str(it) for it in warnings.filters),
    "directory": os.getcwd() == "/tmp",
    "files": [str(path) for place in ("/tmp", "/home", "/home/pyodide", "/")
              for path in Path(place).glob("left*")],
    "storage": hasattr(js, "localStorage") or hasattr(js, "sessionStorage"),
    "cache": bool(await js.caches.has("left")),
    "global": bool(run_js("'left' in globalThis")),
    "prototype": bool(run_js("'left' in {}")),
    "history": len(In) > 2,
    "tasks": any("go_on" in repr(it) for it in asyncio.all_tasks()),
}
print([sign for sign, found in signs.items() if found])
await asyncio.sleep(0.3)
"""
NOTHING = "[]\n"
MANY = 12


def shown(ran: Ran) -> str:
    """Return all that it printed; one that failed has its errors there, too."""
    return ran.text() + "".join(map(str, ran.of_type(Error)))


def run_directory(pid: int) -> Path:
    """Return what a sandbox process has of the host's disk."""
    [home] = [
        entry.removeprefix(b"DENO_DIR=")
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        if entry.startswith(b"DENO_DIR=")
    ]
    return Path(os.fsdecode(home)).parent


def children_of_this_process() -> dict[int, str]:
    """Return the state of each, as ``/proc`` abbreviates it."""
    found: dict[int, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:  # it has ended
            continue
        state, parent = text.rpartition(")")[2].split()[:2]
        if int(parent) == os.getpid():
            found[int(stat.parent.name)] = state
    return found


@pytest.mark.parametrize(
    "end", [None, "import os; os._exit(1)"], ids=["restart", "end"]
)
def test_a_fresh_kernel_finds_nothing(sandbox: SharedWorker, end: str | None) -> None:
    async def look(worker: Worker) -> None:
        await worker.restart()
        assert shown(await run_cell(worker, TRACES)) == NOTHING
        assert (await run_cell(worker, LEAVE_TRACES)).status == "ok"
        found = shown(await run_cell(worker, TRACES))
        assert found.count("'") >= 2 * MANY, found  # it does find them
        before, directory = worker.pid, run_directory(worker.pid)
        if end is not None:
            with pytest.raises(WorkerDiedError):
                await run_cell(worker, end)
        await worker.restart()
        assert not directory.exists()
        assert before not in children_of_this_process()
        assert run_directory(worker.pid) != directory
        assert shown(await run_cell(worker, TRACES)) == NOTHING

    sandbox.call(look, sandbox.worker)


def test_a_dead_sandbox_that_nobody_restarts_is_no_zombie(
    sandbox: SharedWorker,
) -> None:
    async def die(worker: Worker) -> None:
        pid = worker.pid
        with pytest.raises(WorkerDiedError):
            await run_cell(worker, "import ctypes; ctypes.string_at(0xFFFFFFF0, 64)")
        with trio.fail_after(TIMEOUT_S):
            while pid in children_of_this_process():  # noqa: ASYNC110 - nothing tells
                await trio.sleep(0.02)
        assert "Z" not in children_of_this_process().values()
        await worker.restart()

    sandbox.call(die, sandbox.worker)
