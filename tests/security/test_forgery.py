"""Guest code forges messages: its kernel ends, the supervisor goes on."""

import json

import pytest

from runt_worker import GuestProtocolError, WorkerDiedError
from runt_worker.testing import SharedWorker

FORGE = """
import js
from pyodide.code import run_js
from pyodide.ffi import to_js
def post(**fields):
    js.self.postMessage(to_js(fields, dict_converter=js.Object.fromEntries))
import time
"""


def reply(content: object, request: int = 999_999) -> str:
    head = json.dumps({"request": request, "content": content})
    return f"post(type='frame', head={head!r}); time.sleep(30)"


GARBAGE = {
    "no JSON": "post(type='frame', head='garbage'); time.sleep(30)",
    "reply to nobody": reply(
        {"msg_type": "execute_reply", "status": "ok", "execution_count": 1}
    ),
    "more than a frame holds": (
        "post(type='frame', head='{}', tail=js.Uint8Array.new(65 << 20)); "
        "time.sleep(30)"
    ),
    "reply of another kind": (
        "import json\n"
        "request = get_ipython().send.__self__._request\n"
        "content = {'msg_type': 'is_complete_reply', 'status': 'complete', "
        "'indent': ''}\n"
        "post(type='frame', head=json.dumps("
        "{'request': request, 'content': content}))\n"
        "time.sleep(30)"
    ),
    "call that is no call": (
        "run_js('''{ const { core } = Deno[Deno.internal];\n"
        "for (let rid = 0; rid < 64; rid++) {\n"
        "    try { core.writeSync(rid, new Uint8Array(64).fill(255)); } catch {} } }"
        "''')\ntime.sleep(30)"
    ),
}


@pytest.mark.parametrize("attempt", GARBAGE.values(), ids=GARBAGE)
def test_a_forged_message_ends_the_kernel_and_no_more(
    sandbox: SharedWorker, attempt: str
) -> None:
    sandbox.run(FORGE)
    with pytest.raises(GuestProtocolError, match="the sandbox "):
        sandbox.run(attempt)
    assert sandbox.run("print('a fresh one')").text() == "a fresh one\n"


ENDS = {
    "fails beyond words": (
        "post(type='failed', reason=run_js('({ toString: 1 })')); time.sleep(30)"
    ),
    "ends its thread by Deno": "js.Deno.exit(0)",
    "raises in its thread": (
        "run_js('setTimeout(() => { throw new Error(\"loose\") })')\n"
        "import asyncio; await asyncio.sleep(30)"
    ),
}


@pytest.mark.parametrize("attempt", ENDS.values(), ids=ENDS)
def test_a_guest_that_ends_itself_is_noticed(
    sandbox: SharedWorker, attempt: str
) -> None:
    sandbox.run(FORGE)
    with pytest.raises(WorkerDiedError):
        sandbox.run(attempt)
    assert sandbox.run("print('a fresh one')").text() == "a fresh one\n"


def test_what_the_host_thread_does_not_know_is_dropped(sandbox: SharedWorker) -> None:
    code = """
for message in [None, 1, "text", [], {}, {"type": 1}, {"type": "frame", "head": 1}]:
    js.self.postMessage(to_js(message, dict_converter=js.Object.fromEntries))
post(type="idle"); post(type="flushed")
print("still here")
"""
    sandbox.run(FORGE)
    assert sandbox.run(code).text() == "still here\n"


def test_a_forged_reply_to_the_cells_own_request_hurts_only_the_kernel(
    sandbox: SharedWorker,
) -> None:
    sandbox.run(FORGE)
    code = """
import json
reply = {"msg_type": "execute_reply", "status": "ok", "execution_count": 1}
request = get_ipython().send.__self__._request
post(type="frame", head=json.dumps({"request": request, "content": reply}))
"""
    assert sandbox.run(code).status == "ok"
    # The real reply comes after it, to a request that nobody waits for any more.
    with pytest.raises(GuestProtocolError, match="which nobody waits for"):
        sandbox.run("import time; time.sleep(30)")
    assert sandbox.run("print('a fresh one')").text() == "a fresh one\n"
