"""What one kernel leaves, no other finds: not beside it, and not in its place."""

import pytest

from runt_worker.testing import SharedWorker

LEFT = "left-by-a-cell"

STORES = {
    "cache": (
        "await (await caches.open('x')).put('http://left/', new Response('LEFT'))",
        "return await (await caches.match('http://left/'))?.text()",
    ),
    "global variable": ("globalThis.x = 'LEFT'", "return globalThis.x"),
    "prototype": ("Object.prototype.x_ = 'LEFT'", "return ({}).x_"),
    "environment": (
        "const p = await import('node:process'); p.default.title = 'LEFT'",
        "const p = await import('node:process'); return p.default.title",
    ),
    "temporary file of Python": (
        "pyodide.FS.writeFile('/tmp/x', 'LEFT')",
        """const there = pyodide.FS.readdir('/tmp').includes('x');
        return there && pyodide.FS.readFile('/tmp/x', { encoding: 'utf8' })""",
    ),
}
"""How something is left, and how it is found again."""

ABSENT = {
    "local storage": "return localStorage.length",
    "session storage": "return sessionStorage.length",
    "IndexedDB": "return indexedDB.open('x')",
    "key-value store": "return await Deno.openKv()",
    "key-value store in memory": "return await Deno.openKv(':memory:')",
    "file system": "return await navigator.storage.getDirectory()",
    "shared worker": "return new SharedWorker('data:,')",
    "cookies": "return await cookieStore.getAll()",
}

HEAR = """
globalThis.channel = new BroadcastChannel('x');
globalThis.heard = [];
channel.onmessage = (event) => heard.push(event.data);
"""
SAY = """
const saying = new BroadcastChannel('x');
saying.postMessage('LEFT');
while (heard.length === 0) await new Promise((done) => setTimeout(done, 10));
saying.close();
"""


def js(sandbox: SharedWorker, body: str) -> str:
    """Run the body of an async function; return its value, or how it failed."""
    source = f"(async (pyodide) => {{ {body.replace('LEFT', LEFT)} }})"
    ran = sandbox.run(
        "import pyodide_js\nfrom pyodide.code import run_js\n"
        f"print(await run_js({source!r})(pyodide_js), end='')"
    )
    return ran.text() if ran.status == "ok" else f"{ran.reply}"


@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
def test_nothing_that_is_left_is_found_elsewhere(
    sandbox: SharedWorker, other_sandbox: SharedWorker, store: tuple[str, str]
) -> None:
    leave, find = store
    assert "status='error'" not in js(sandbox, leave)
    assert js(sandbox, find) == LEFT, "else this test shows nothing"
    assert LEFT not in js(other_sandbox, find)
    sandbox.call(sandbox.worker.restart)
    assert LEFT not in js(sandbox, find)


@pytest.mark.parametrize("attempt", ABSENT.values(), ids=ABSENT)
def test_other_stores_are_not_there(sandbox: SharedWorker, attempt: str) -> None:
    said = js(sandbox, attempt)
    assert "not defined" in said or "not a function" in said or "undefined" in said


def test_what_is_broadcast_stays_in_the_process(
    sandbox: SharedWorker, other_sandbox: SharedWorker
) -> None:
    for each in (sandbox, other_sandbox):
        js(each, HEAR)
    js(sandbox, SAY)  # until it is heard here
    assert js(sandbox, "return heard.join()") == LEFT
    assert js(other_sandbox, "return heard.join()") == ""
    sandbox.call(sandbox.worker.restart)
