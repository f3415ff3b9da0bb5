"""Guest code forges messages: its kernel ends, the supervisor goes on."""

import json

import pytest
import trio

from runt_worker import (
    GuestProtocolError,
    InputRequest,
    Worker,
    WorkerDiedError,
)
from runt_worker.testing import TIMEOUT_S, Ran, SharedWorker, run_cell

FORGE = """
import js
from pyodide.code import run_js
from pyodide.ffi import to_js
def post(**fields):
    js.self.postMessage(to_js(fields, dict_converter=js.Object.fromEntries))
import json, time
def ask(request, question, prompt="?"):
    content = {"msg_type": "input_request", "question": question, "prompt": prompt,
               "password": False}
    post(type="frame", head=json.dumps({"request": request, "content": content}))
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
    "request that is no number": (
        "post(type='frame', head='{\"request\": NaN, \"content\": {}}'); time.sleep(30)"
    ),
    "request beyond all numbers": (
        "post(type='frame', head='{\"request\": 1e999, \"content\": {}}')\n"
        "time.sleep(30)"
    ),
    "request below zero": reply({"msg_type": "status"}, request=-1),
    "request that is a text": (
        'post(type=\'frame\', head=\'{"request": "1", "content": {}}\')\ntime.sleep(30)'
    ),
    "JSON that is deep": ("post(type='frame', head='[' * 1_000_000); time.sleep(30)"),
    "content that is deep": (
        "request = get_ipython().send.__self__._request\n"
        "deep = '{\"a\":' * 100_000 + '1' + '}' * 100_000\n"
        'post(type=\'frame\', head=\'{"request": %d, "content": {"msg_type": \'\n'
        '\'"display_data", "data": %s}}\' % (request, deep)); time.sleep(30)'
    ),
    "half a character": (
        "post(type='frame', head=run_js('\"\\\\ud800\"')); time.sleep(30)"
    ),
    "a reply before the cell has ended, and one more": (
        "request = get_ipython().send.__self__._request\n"
        "content = {'msg_type': 'execute_reply', 'status': 'ok'}\n"
        "head = json.dumps({'request': request, 'content': content})\n"
        "post(type='frame', head=head); post(type='frame', head=head); time.sleep(30)"
    ),
    "ready a second time": reply({"msg_type": "ready", "restored": True}, request=0),
    "image that nobody wants": reply({"msg_type": "image"}, request=0),
    "question to nobody": reply(
        {"msg_type": "input_request", "question": 1, "prompt": "?", "password": False}
    ),
    "question that was not allowed": (
        "request = get_ipython().send.__self__._request\n"
        "ask(request, 1); time.sleep(30)"
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


def run_answered(sandbox: SharedWorker, code: str) -> tuple[Ran, list[str]]:
    """Run a cell whose questions are answered; give what was asked, too."""
    asked: list[str] = []

    async def execute(worker: Worker) -> Ran:
        async def on_input(request: InputRequest) -> str:
            asked.append(request.prompt)
            await trio.sleep(0.01)
            return "answer"

        ran = Ran()
        with trio.fail_after(TIMEOUT_S):
            ran.reply = await worker.execute(code, ran.outputs.append, on_input)
        return ran

    try:
        return sandbox.call(execute, sandbox.worker), asked
    except WorkerDiedError:
        sandbox.call(sandbox.worker.restart)
        raise


def test_of_thousands_of_questions_the_last_one_counts(sandbox: SharedWorker) -> None:
    sandbox.run(FORGE)
    code = """
request = get_ipython().send.__self__._request
for number in range(100_000, 110_000):
    ask(request, number, "forged")
print(input("honest"))
"""
    ran, asked = run_answered(sandbox, code)
    assert ran.text() == "answer\n"
    assert asked[-1] == "honest"


@pytest.mark.parametrize(
    "forged",
    ["ask(request, 1, '?' * 100_000)", "ask(request, 2**60)", "ask(request, 'one')"],
)
def test_a_question_beyond_all_bounds_ends_the_kernel(
    sandbox: SharedWorker, forged: str
) -> None:
    sandbox.run(FORGE)
    code = f"request = get_ipython().send.__self__._request\n{forged}\ntime.sleep(30)"
    with pytest.raises(GuestProtocolError, match="none of ours"):
        run_answered(sandbox, code)
    assert sandbox.run("print('a fresh one')").text() == "a fresh one\n"


def test_a_question_without_a_cell_ends_the_kernel(sandbox: SharedWorker) -> None:
    async def ask_later(worker: Worker) -> None:
        code = """
import asyncio
request = get_ipython().send.__self__._request
asyncio.get_running_loop().call_later(0.2, ask, request, 1)
"""
        await run_cell(worker, code)
        with trio.fail_after(TIMEOUT_S):
            while True:
                await worker.is_complete("1")
                await trio.sleep(0.05)

    sandbox.run(FORGE)
    with pytest.raises(GuestProtocolError, match="which nobody waits for"):
        sandbox.call(ask_later, sandbox.worker)
    sandbox.call(sandbox.worker.restart)
    assert sandbox.run("print('a fresh one')").text() == "a fresh one\n"


def test_forged_calls_for_answers_get_none(sandbox: SharedWorker) -> None:
    code = """
import json, sys
[finder] = [f for f in sys.meta_path if type(f).__name__ == "PackageFinder"]
def call(parameters):
    text = finder.client._bridge.call("input_reply", json.dumps(parameters))
    answer = json.loads(text)
    del answer["id"]
    return answer
print(call({"question": 10**9}), call({"question": -1}), call({}))
for _ in range(50): call({"question": 5})
print(input())
"""
    ran, _ = run_answered(sandbox, code)
    invalid = "{'code': 'EINVAL'}"
    assert ran.text() == f"{{}} {invalid} {invalid}\nanswer\n"
