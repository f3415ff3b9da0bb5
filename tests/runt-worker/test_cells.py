"""What cells show, in a real sandbox."""

import base64
import json
import re
import struct
import time

import pytest

from runt_worker import (
    ClearOutput,
    DisplayData,
    Error,
    ExecuteResult,
    Limits,
    Stream,
    UpdateDisplayData,
    WorkerOptions,
    open_worker,
)
from runt_worker.testing import SharedWorker, run_cell

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def plain(sandbox: SharedWorker, code: str) -> str:
    """Run a cell and return the text of its result."""
    [result] = sandbox.run(code).of_type(ExecuteResult)
    return result.data["text/plain"]


def failure(sandbox: SharedWorker, code: str) -> tuple[Error, str]:
    """Run a cell that raises; return its error and the traceback without colours."""
    ran = sandbox.run(code)
    [error] = ran.of_type(Error)
    assert ran.status == error.ename
    return error, ANSI.sub("", "\n".join(error.traceback))


def test_the_last_expression_is_the_result_and_is_remembered(
    sandbox: SharedWorker,
) -> None:
    ran = sandbox.run("6 * 7")
    assert ran.reply
    count = ran.reply.execution_count
    assert ran.outputs == [
        ExecuteResult(data={"text/plain": "42"}, metadata={}, execution_count=count)
    ]
    assert plain(sandbox, "_") == "42"
    assert plain(sandbox, f"Out[{count}], In[{count}]") == "(42, '6 * 7')"


def test_cells_are_remembered_behind_one_that_was_counted_and_not_stored(
    sandbox: SharedWorker,
) -> None:
    # An interrupt between the two is a matter of microseconds.
    assert sandbox.run("get_ipython().execution_count += 1").status == "ok"
    reply = sandbox.run("6 * 7").reply
    assert reply
    assert plain(sandbox, f"In[{reply.execution_count}]") == "'6 * 7'"


def test_statements_semicolons_and_nothing_show_nothing(sandbox: SharedWorker) -> None:
    for code in ["x = 1", "x;", "", "# a comment", "None"]:
        ran = sandbox.run(code)
        assert (ran.status, ran.outputs) == ("ok", []), code


def test_counts_go_up_by_one(sandbox: SharedWorker) -> None:
    counts = [
        reply.execution_count
        for code in ["1", "raise ValueError", "1"]
        if (reply := sandbox.run(code).reply)
    ]
    assert counts == list(range(counts[0], counts[0] + 3))


def test_top_level_await_and_tasks(sandbox: SharedWorker) -> None:
    code = """
import asyncio
async def double(n):
    await asyncio.sleep(0.01)
    return 2 * n
await asyncio.gather(double(1), double(2))
"""
    assert plain(sandbox, code) == "[2, 4]"


def test_asynchronous_statements_at_the_top_level(sandbox: SharedWorker) -> None:
    code = """
class Context:
    async def __aenter__(self): return "inside"
    async def __aexit__(self, *_): print("left")
async def count(n):
    for number in range(n):
        await asyncio.sleep(0)
        yield number
import asyncio
async for number in count(2): print(number)
async with Context() as context: print(context)
[number async for number in count(3)]
"""
    ran = sandbox.run(code)
    assert ran.text() == "0\n1\ninside\nleft\n"
    [result] = ran.of_type(ExecuteResult)
    assert result.data["text/plain"] == "[0, 1, 2]"


def test_earlier_cells_and_results_have_names(sandbox: SharedWorker) -> None:
    for code in ["'one'", "'two'", "'three'"]:
        sandbox.run(code)
    assert plain(sandbox, "_, __, ___") == "('three', 'two', 'one')"
    assert plain(sandbox, "_i, _ii") == "('_, __, ___', \"'three'\")"
    assert plain(sandbox, "In[-1], Out is _oh") == "('In[-1], Out is _oh', True)"


@pytest.mark.parametrize(
    "call",
    ["exit()", "quit()", "exit(3)", "get_ipython().ask_exit()", "asyncio.run(end())"],
)
def test_exit_ends_the_cell_quietly_and_nothing_else(
    sandbox: SharedWorker, call: str
) -> None:
    code = f"""
import asyncio
async def end(): exit()
kept = 1
print("before")
try:
    {call}
except Exception:
    print("caught")
print("after")
"""
    ran = sandbox.run(code)
    assert (ran.status, ran.errors()) == ("ok", [])
    assert (ran.text(), ran.text("stderr")) == ("before\n", "")
    assert sandbox.run("exit").outputs == []
    assert plain(sandbox, "kept") == "1"


def test_sys_exit_is_shown_as_ipython_shows_it(sandbox: SharedWorker) -> None:
    error, traceback = failure(sandbox, "import sys; sys.exit(3)")
    assert (error.ename, error.evalue) == ("SystemExit", "3")
    assert "use %tb to see the full traceback" in traceback
    assert plain(sandbox, "1") == "1"


def test_streams_keep_their_order(sandbox: SharedWorker) -> None:
    code = """
import sys
for number in range(3):
    print("out", number)
    print("err", number, file=sys.stderr)
"""
    joined: list[tuple[str, str]] = []
    for stream in sandbox.run(code).of_type(Stream):
        if joined and joined[-1][0] == stream.name:
            joined[-1] = (stream.name, joined[-1][1] + stream.text)
        else:
            joined.append((stream.name, stream.text))
    assert joined == [
        (name, f"{name[3:]} {number}\n")
        for number in range(3)
        for name in ("stdout", "stderr")
    ]


def test_streams_and_displays_keep_their_order(sandbox: SharedWorker) -> None:
    kinds = [
        type(output).__name__
        for output in sandbox.run("print(1); display(2); print(3); 4").outputs
    ]
    assert kinds == ["Stream", "DisplayData", "Stream", "ExecuteResult"]


def test_100_000_prints_come_whole_and_in_few_messages(sandbox: SharedWorker) -> None:
    ran = sandbox.run("for number in range(100_000): print(number)")
    assert ran.text() == "".join(f"{number}\n" for number in range(100_000))
    assert len(ran.outputs) < 100


def test_a_long_text_comes_whole(sandbox: SharedWorker) -> None:
    text = "grün😀" * 500_000
    assert sandbox.run("print('grün😀' * 500_000, end='')").text() == text
    assert plain(sandbox, "'x' * 3_000_000") == repr("x" * 3_000_000)


async def test_a_text_larger_than_a_frame_comes_whole() -> None:
    limits = Limits(max_output_bytes=None, max_output_rate=None)
    options = WorkerOptions(limits=limits)
    async with open_worker(options) as worker:
        # 1 MiB more than a frame may have.
        ran = await run_cell(worker, "print('ü' * (65 * 512 * 1024), end='')")
    assert ran.status == "ok"
    assert ran.text() == "ü" * (65 * 512 * 1024)


def test_a_display_larger_than_a_frame_is_refused_in_the_cell(
    sandbox: SharedWorker,
) -> None:
    ran = sandbox.run("kept = 2; display({'text/plain': 'x' * 2**26}, raw=True)")
    assert ran.status == "ValueError"
    assert plain(sandbox, "kept") == "2"


def test_a_partial_line_shows_while_the_cell_computes(sandbox: SharedWorker) -> None:
    code = """
import time
end = time.monotonic() + 0.6
print("partial", end="")
while time.monotonic() < end: pass
"""
    ran = sandbox.run(code)
    assert ran.text() == "partial"
    assert ran.ended - ran.times[0] > 0.2


def test_a_partial_line_shows_while_the_cell_sleeps_or_awaits(
    sandbox: SharedWorker,
) -> None:
    for sleep in ["import time; time.sleep(0.6)", "await asyncio.sleep(0.6)"]:
        ran = sandbox.run(f"import asyncio; print('partial', end=''); {sleep}")
        assert ran.text() == "partial"
        assert ran.ended - ran.times[0] > 0.2, sleep


def test_displays_can_be_updated_and_cleared(sandbox: SharedWorker) -> None:
    code = """
from IPython.display import clear_output, display
handle = display({"text/plain": "one"}, raw=True, display_id="mine")
handle.update({"text/plain": "two"}, raw=True)
clear_output(wait=True)
clear_output()
"""
    assert sandbox.run(code).outputs == [
        DisplayData(data={"text/plain": "one"}, metadata={}, display_id="mine"),
        UpdateDisplayData(data={"text/plain": "two"}, metadata={}, display_id="mine"),
        ClearOutput(wait=True),
        ClearOutput(wait=False),
    ]


def test_values_that_json_lacks_are_shown_all_the_same(sandbox: SharedWorker) -> None:
    code = """
from datetime import date
from IPython.display import JSON, display
display({"application/json": {"nan": float("nan"), "inf": [float("inf")]}}, raw=True)
display({"application/json": {"date": date(2026, 1, 2)}}, raw=True)
display({"image/png": b"bytes"}, raw=True)
display({"application/json": {1: {2}}}, raw=True)
"""
    assert [shown.data for shown in sandbox.run(code).of_type(DisplayData)] == [
        {"application/json": {"nan": None, "inf": [None]}},
        {"application/json": {"date": "2026-01-02"}},
        {"image/png": base64.b64encode(b"bytes").decode()},
        {"application/json": {"1": "{2}"}},
    ]


def test_text_of_every_kind_survives(sandbox: SharedWorker) -> None:
    assert plain(sandbox, "'äß漢😀\\x00'") == "'äß漢😀\\x00'"
    assert sandbox.run("print('äß漢😀\\0')").text() == "äß漢😀\0\n"
    # A half of a surrogate pair has no UTF-8.
    assert sandbox.run("print('\\ud83d')").text() == "\\ud83d\n"
    assert plain(sandbox, "'\\ud83d'") == "'\\ud83d'"
    ran = sandbox.run("display({'text/plain': '\\ud83d'}, raw=True)")
    assert [shown.data for shown in ran.of_type(DisplayData)] == [
        {"text/plain": "\ufffd"}
    ]
    error, _ = failure(sandbox, "raise ValueError('\\ud83d')")
    assert error.evalue == "\ufffd"


def test_a_traceback_shows_the_lines_of_the_cell_and_none_of_ours(
    sandbox: SharedWorker,
) -> None:
    code = """
def divide(a, b):
    return a / b
divide(1, 0)
"""
    error, traceback = failure(sandbox, code)
    assert (error.ename, error.evalue) == ("ZeroDivisionError", "division by zero")
    assert "return a / b" in traceback
    assert "divide(1, 0)" in traceback
    assert "runt_kernel" not in traceback
    assert "interactiveshell" not in traceback
    assert any(ANSI.search(line) for line in error.traceback)


def test_a_traceback_reaches_into_what_asyncio_ran(sandbox: SharedWorker) -> None:
    code = """
import asyncio
async def fail():
    raise KeyError("inside")
asyncio.run(fail())
"""
    _, traceback = failure(sandbox, code)
    assert 'raise KeyError("inside")' in traceback
    assert "runt_kernel" not in traceback


def test_an_error_that_crosses_javascript_is_shown_once(sandbox: SharedWorker) -> None:
    code = """
import asyncio
from pyodide.code import run_js
async def fail():
    raise KeyError("inside")
def fail_at_once():
    raise KeyError("at once")
try:
    asyncio.run(fail())
except KeyError:
    pass
told = run_js("(f) => { try { f() } catch (error) { return error.message } }")
print(told(fail_at_once))
"""
    ran = sandbox.run(code)
    assert (ran.status, ran.text("stderr")) == ("ok", "")
    # JavaScript is told as much as Pyodide tells it elsewhere.
    assert 'raise KeyError("at once")' in ran.text()


def test_a_program_can_call_the_exception_hook(sandbox: SharedWorker) -> None:
    code = "import sys\ntry: 1 / 0\nexcept Exception: sys.excepthook(*sys.exc_info())"
    assert "ZeroDivisionError: division by zero" in sandbox.run(code).text("stderr")


def test_an_error_in_a_magic_shows_the_code_that_it_ran(sandbox: SharedWorker) -> None:
    for magic in ["%time ", "%%time\n", "%timeit -n 1 -r 1 ", "%%timeit -n 1 -r 1\n"]:
        error, traceback = failure(sandbox, f"{magic}int('x')")
        assert error.ename == "ValueError"
        assert "int('x')" in traceback
        assert "runt_kernel" not in traceback


def test_a_syntax_error_points_at_its_place(sandbox: SharedWorker) -> None:
    error, traceback = failure(sandbox, "x = 1\nif x ==: pass")
    assert (error.ename, error.evalue[:14]) == ("SyntaxError", "invalid syntax")
    assert re.search(r"if x ==: pass\n\s+\^", traceback)


def test_exceptions_that_misbehave_are_shown(sandbox: SharedWorker) -> None:
    code = """
class Bad(Exception):
    def __str__(self): raise RuntimeError
raise Bad
"""
    error, _ = failure(sandbox, code)
    assert error.evalue == "<str() of the exception raised RuntimeError>"
    code = "raise BaseExceptionGroup('two', [KeyError(), OSError()])"
    error, traceback = failure(sandbox, code)
    assert "KeyError" in traceback
    assert "interactiveshell" not in traceback
    assert error.ename == "ExceptionGroup"
    error, _ = failure(sandbox, "def f(): f()\nf()")
    assert error.ename == "RecursionError"
    error, _ = failure(sandbox, "raise ValueError('x' * 10**8)")
    assert error.evalue.endswith("x … (100,000,000 characters)")


def test_a_representation_that_fails_is_the_cells_own_business(
    sandbox: SharedWorker,
) -> None:
    code = "class Bad:\n    def __repr__(self): raise RuntimeError('no')\nBad()"
    ran = sandbox.run(code)
    # As under ipykernel 7.4, where the last value of a cell is a part of it…
    assert (ran.status, ran.errors()) == ("RuntimeError", ["RuntimeError"])
    assert "__repr__" in ran.of_type(Error)[0].traceback[-2]
    # …and what it displays is not.
    ran = sandbox.run("display(Bad())")
    assert (ran.status, ran.errors()) == ("ok", ["RuntimeError"])
    assert plain(sandbox, "1") == "1"


def test_a_cell_that_breaks_its_streams_leaves_them_for_the_next_one(
    sandbox: SharedWorker,
) -> None:
    for code in [
        "import sys; sys.stdout.close()",
        "import sys; sys.stdout.detach()",
    ]:
        sandbox.run(code)
        assert sandbox.run("print('still here')").text() == "still here\n", code


def test_what_a_task_shows_between_cells_comes_with_the_next_one(
    sandbox: SharedWorker,
) -> None:
    code = """
import asyncio, sys
async def later():
    await asyncio.sleep(0.05)
    print("late"); print("later", file=sys.stderr); display("latest")
task = asyncio.create_task(later())
"""
    assert sandbox.run(code).outputs == []
    ran = sandbox.run("await asyncio.sleep(0.3)")
    assert (ran.status, ran.text(), ran.text("stderr")) == ("ok", "late\n", "later\n")

    sandbox.run(code)
    time.sleep(0.5)
    ran = sandbox.run("pass")
    assert (ran.status, ran.text(), ran.text("stderr")) == ("ok", "late\n", "later\n")
    assert len(ran.of_type(DisplayData)) == 1


def test_a_data_frame_is_a_table_and_a_figure_is_a_picture(
    sandbox: SharedWorker,
) -> None:
    ran = sandbox.run("import pandas as pd\npd.DataFrame({'a': [1, 2]})")
    assert ran.status == "ok", ran.errors()
    [table] = ran.of_type(ExecuteResult)
    assert "<table" in table.data["text/html"]
    assert "text/plain" in table.data

    ran = sandbox.run("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    assert ran.status == "ok", ran.errors()
    [figure] = ran.of_type(DisplayData)
    picture = base64.b64decode(figure.data["image/png"], validate=True)
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    assert min(width, height) > 100
    json.dumps(figure.metadata)


def test_a_module_that_nobody_has_is_not_found(sandbox: SharedWorker) -> None:
    error, _ = failure(sandbox, "import no_such_module_of_ours")
    assert error.ename == "ModuleNotFoundError"
    assert error.evalue == "No module named 'no_such_module_of_ours'"
