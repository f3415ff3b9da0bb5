"""Guest code that makes itself deaf, or floods, costs its kernel and nothing else."""

import resource
from collections.abc import Generator

import pytest
import trio

from runt_worker import (
    GuestProtocolError,
    Limits,
    Output,
    Stream,
    UnheededInterruptError,
    Worker,
    WorkerDiedError,
    WorkerOptions,
)
from runt_worker.testing import TIMEOUT_S, Ran, SharedWorker, shared_worker

GRACE_S = 0.6

PREPARED = """
import asyncio, json, signal, sys, time
import js, pyodide_js
from pyodide.code import run_js
"""

DEAF = {
    "interrupt buffer taken away": (
        "pyodide_js.setInterruptBuffer(None)\ndisplay('deaf')\nwhile True: pass"
    ),
    "interrupt buffer of its own": (
        "own = js.Uint8Array.new(js.SharedArrayBuffer.new(16))\n"
        "pyodide_js.setInterruptBuffer(own)\ndisplay('deaf')\nwhile True: pass"
    ),
    "interrupt buffer gone from the interpreter": (
        "pyodide_js._module.Py_EmscriptenSignalBuffer = None\n"
        "display('deaf')\nwhile True: pass"
    ),
    "interrupt buffer emptied for ever": (
        "buffer = pyodide_js._module.Py_EmscriptenSignalBuffer\nUNHEARD\n"
        "run_js('''(buffer) => { for (;;) buffer[0]; }''')(buffer)  # reading takes"
    ),
    "reply that never comes": ("UNHEARD\njs.self.postMessage = run_js('() => {}')"),
    "proxies of JavaScript that lie": (
        "UNHEARD\nfor kind in {type(js), type(js.Object), type(pyodide_js)}:\n"
        "    for name in ('__getattr__', '__call__', 'to_py', 'new'):\n"
        "        setattr(kind, name, lambda *_: 'a lie')"
    ),
    "thread that sleeps": (
        "UNHEARD\n"
        "run_js('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)')"
    ),
    "WebAssembly that never returns": (
        "UNHEARD\n"
        "run_js('''new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([\n"
        "0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,8,1,0,10,9,1,7,0,3,64,12,0,11,11\n"
        "])))''')"
    ),
    "promises without end": (
        "UNHEARD\nrun_js('(function next() { Promise.resolve().then(next) })()')\n"
        "await asyncio.sleep(3600)"
    ),
}
"""None of them hears an interrupt, by whatever means it comes. The test interrupts when
something is shown: so each is deaf before it shows that, or else UNHEARD."""

UNHEARD = "signal.signal(signal.SIGINT, lambda *_: None); display('deaf')"
"""For those that become deaf by what never returns: Python hears nothing before."""

FLOODS = {
    "raw bytes on standard output": (
        "junk = js.Uint8Array.new(1_000_000)\n"
        "for _ in range(100): js.Deno.stdout.writeSync(junk)\nprint('done')"
    ),
    "raw bytes on standard error": (
        "junk = js.Uint8Array.new(1_000_000)\n"
        "for _ in range(100): js.Deno.stderr.writeSync(junk)\nprint('done')"
    ),
    "messages that are no frames": (
        "run_js('for (let i = 0; i < COUNT; i++) self.postMessage(i)')\nprint('done')"
    ),
    "frames of one byte": (
        "request = get_ipython().send.__self__._request\n"
        "content = {'msg_type': 'stream', 'name': 'stdout'}\n"
        "head = json.dumps({'request': request, 'content': content})\n"
        "run_js('''(head) => { for (let i = 0; i < COUNT; i++)\n"
        "self.postMessage({ type: 'frame', head, tail: new Uint8Array([120]) }) }'''"
        ")(head)\nprint('done')"
    ),
}

FLOOD_TIMEOUT_S = 300.0
"""A million messages take half a minute where nobody else works."""

MAX_GROWTH_KB = 200 * 1024
"""Of the supervisor, which keeps what cells show for the length of these tests."""


@pytest.fixture(scope="module")
def hasty() -> Generator[SharedWorker]:
    """Return a sandbox with little patience, and little to show."""
    limits = Limits(interrupt_grace_s=GRACE_S, max_output_bytes=1024 * 1024)
    with shared_worker(WorkerOptions(limits=limits)) as shared:
        yield shared


async def stop_when_deaf(worker: Worker, code: str) -> None:
    def stop(_output: Output) -> None:
        worker.interrupt()

    with trio.fail_after(TIMEOUT_S):
        await worker.execute(PREPARED + code.replace("UNHEARD", UNHEARD), stop)


@pytest.mark.parametrize("code", DEAF.values(), ids=DEAF)
def test_a_cell_that_made_itself_deaf_is_killed_after_the_grace_period(
    hasty: SharedWorker, code: str
) -> None:
    with pytest.raises(UnheededInterruptError):
        hasty.call(stop_when_deaf, hasty.worker, code)
    hasty.call(hasty.worker.restart)
    assert hasty.run("print('a fresh one')").text() == "a fresh one\n"


async def run_patiently(worker: Worker, code: str) -> Ran:
    ran = Ran()
    with trio.fail_after(FLOOD_TIMEOUT_S):
        ran.reply = await worker.execute(code, ran.outputs.append)
    return ran


@pytest.mark.parametrize("code", FLOODS.values(), ids=FLOODS)
def test_a_flood_grows_nobody_but_its_kernel(
    hasty: SharedWorker, code: str, pytestconfig: pytest.Config
) -> None:
    count = 1_000_000 if pytestconfig.getoption("--every-route") else 50_000
    hasty.run(PREPARED)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code = PREPARED + code.replace("COUNT", str(count))
    ran = hasty.call(run_patiently, hasty.worker, code)
    assert ran.text().endswith("done\n")
    shown = sum(len(it.text) for it in ran.outputs if isinstance(it, Stream))
    assert shown < 2 * 1024 * 1024
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MAX_GROWTH_KB


def test_a_frame_of_a_gigabyte_ends_its_kernel(hasty: SharedWorker) -> None:
    code = 'js.self.postMessage(run_js(\'({ type: "frame", head: "{}", tail: '
    code += "new Uint8Array(2 ** 30) })'))\ntime.sleep(30)"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((GuestProtocolError, WorkerDiedError)):
        hasty.run(PREPARED + code)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MAX_GROWTH_KB
    assert hasty.run("print('a fresh one')").text() == "a fresh one\n"
