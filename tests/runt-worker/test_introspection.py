"""Completion, inspection and «is this code complete», in a real sandbox."""

from collections.abc import Callable

import pytest
import trio

from runt_worker import (
    CompleteReply,
    ExecuteReply,
    InspectReply,
    Output,
    Worker,
    WorkerBusyError,
)
from runt_worker.testing import SharedWorker


def complete(
    sandbox: SharedWorker, code: str, cursor_pos: int | None = None
) -> CompleteReply:
    at = len(code) if cursor_pos is None else cursor_pos
    return sandbox.call(sandbox.worker.complete, code, at)


def inspect(sandbox: SharedWorker, code: str) -> InspectReply:
    return sandbox.call(sandbox.worker.inspect, code, len(code), 0)


def test_names_of_the_notebook_are_completed(sandbox: SharedWorker) -> None:
    sandbox.run("measurement_of_mine = 1")
    reply = complete(sandbox, "x = measurement_o")
    assert reply.matches == ["measurement_of_mine"]
    assert (reply.cursor_start, reply.cursor_end) == (4, 17)


def test_cursors_count_characters(sandbox: SharedWorker) -> None:
    code = "'😀'; impo + 1"
    reply = complete(sandbox, code, code.index("o") + 1)
    assert reply.matches == ["import"]
    assert code[reply.cursor_start : reply.cursor_end] == "impo"


def test_attributes_are_completed(sandbox: SharedWorker) -> None:
    assert complete(sandbox, "'text'.upp").matches == ["upper"]


def test_nothing_to_complete_is_no_match(sandbox: SharedWorker) -> None:
    reply = complete(sandbox, "no_such_name_of_ours")
    assert (reply.matches, reply.cursor_start) == ([], reply.cursor_end)


OBJECTS = """
import os
class Thing:
    looked = 0
    @property
    def costly(self):
        Thing.looked += 1
        return self
    def method(self, alpha_of_mine=1, *, beta_of_mine=2): pass
thing = Thing()
table = {"alpha": 1, "al beta": {"inner": 2}, "größe 😀": 3}
os.makedirs("/mnt/drawer", exist_ok=True)
for name in ["a file.csv", "über 😀.csv"]:
    open(f"/mnt/drawer/{name}", "w").close()
"""


@pytest.fixture(scope="module")
def furnished(sandbox: SharedWorker) -> SharedWorker:
    assert sandbox.run(OBJECTS).status == "ok"
    return sandbox


@pytest.mark.parametrize(
    ("code", "expected", "completed"),
    [
        ("%timei", ["%timeit", "%%timeit"], "%timei|"),
        ("%%timei", ["%%timeit"], "%%timei|"),
        ("thing.me", ["method"], "thing.|me|"),
        ("%timeit thing.me", ["method"], "%timeit thing.|me|"),
        ("thing.meth|(1)", ["method"], "thing.|meth|(1)"),
        ("x = 1\nthing.me|\ny = 2", ["method"], "x = 1\nthing.|me|\ny = 2"),
        ("'😀ü'; thing.me| + 1", ["method"], "'😀ü'; thing.|me| + 1"),
        ("table['alp", ["alpha"], "table['|alp|"),
        ('table["al beta"]["', ["inner"], 'table["al beta"]["||'),
        ("table['größe", ["größe 😀"], "table['|größe|"),
        ("thing.method(alpha_", ["alpha_of_mine="], "thing.method(|alpha_|"),
        ("thing.method(1, beta_", ["beta_of_mine="], "thing.method(1, |beta_|"),
        ("open('/mnt/drawer/a", ["/mnt/drawer/a file.csv"], "open('|/mnt/drawer/a|"),
        ('"/mnt/drawer/üb', ["/mnt/drawer/über 😀.csv"], '"|/mnt/drawer/üb|'),
        ("%cd /mnt/draw", ["/mnt/drawer/"], "%cd |/mnt/draw|"),
        ("import base6", ["base64"], "import |base6|"),
        ("from os import pathse", ["pathsep"], "from os import |pathse|"),
        ("import os.pat", ["os.path"], "import |os.pat|"),
        # Packages that are fetched when they are imported.
        ("import scip", ["scipy"], "import |scip|"),
        ("from scip", ["scipy"], "from |scip|"),
        ("import os, os.path as p, scip", ["scipy"], None),
    ],
)
def test_what_fits_is_completed(
    furnished: SharedWorker, code: str, expected: list[str], completed: str | None
) -> None:
    """A bar stands at the cursor; two stand around what is replaced."""
    at = code.index("|") if "|" in code else len(code)
    code = code.replace("|", "")
    reply = complete(furnished, code, at)
    assert [match for match in expected if match not in reply.matches] == []
    assert len(set(reply.matches)) == len(reply.matches)
    start, end = reply.cursor_start, reply.cursor_end
    if completed is not None and completed.count("|") == 2:
        assert f"{code[:start]}|{code[start:end]}|{code[end:]}" == completed


def test_each_match_says_what_it_is(furnished: SharedWorker) -> None:
    reply = complete(furnished, "thing.method")
    [kind] = reply.metadata["_jupyter_types_experimental"]
    assert (kind["text"], kind["type"]) == ("method", "function")


def test_properties_are_listed_and_not_looked_at(furnished: SharedWorker) -> None:
    furnished.run("Thing.looked = 0")
    assert "costly" in complete(furnished, "thing.").matches
    assert furnished.run("print(Thing.looked)").text() == "0\n"


def test_a_completion_loads_no_package(furnished: SharedWorker) -> None:
    assert complete(furnished, "import scipy.sta").matches == []
    code = "import sys; print('scipy' in sys.modules)"
    assert furnished.run(code).text() == "False\n"


@pytest.mark.parametrize("at", [-5, 10**6])
def test_a_cursor_beside_the_code_stands_at_its_end(
    furnished: SharedWorker, at: int
) -> None:
    reply = complete(furnished, "thing.me", at)
    assert reply.cursor_start <= reply.cursor_end <= len("thing.me")


def test_matches_are_bounded(furnished: SharedWorker) -> None:
    code = """
class Many:
    def __dir__(self): return [f"many_{i}" for i in range(20_000)] + ["x" * 10**7]
many = Many()
"""
    furnished.run(code)
    reply = complete(furnished, "many.")
    assert 100 < len(reply.matches) <= 1000
    assert max(map(len, reply.matches)) <= 1000


@pytest.mark.parametrize(
    "fault",
    ["1 / 0", "raise SystemExit", "raise KeyboardInterrupt", "return [1, None]"],
)
def test_a_faulty_object_ends_nothing_and_shows_nothing(
    furnished: SharedWorker, fault: str
) -> None:
    furnished.run(f"class F:\n    def __dir__(self): {fault}\nfaulty = F()")
    assert isinstance(complete(furnished, "faulty.").matches, list)
    ran = furnished.run("print('shown')")
    assert (ran.text(), ran.text("stderr")) == ("shown\n", "")


def test_what_a_task_printed_before_a_completion_is_kept(
    furnished: SharedWorker,
) -> None:
    code = "import asyncio\nasyncio.get_running_loop().call_later(0, print, 'late')"
    shown = furnished.run(code).text()
    furnished.call(trio.sleep, 0.3)
    complete(furnished, "thing.")
    shown += furnished.run("await asyncio.sleep(0.1)").text()
    assert shown == "late\n"


def test_descriptions_are_bounded(furnished: SharedWorker) -> None:
    furnished.run("class Wordy: pass\nWordy.__doc__ = 'word ' * 20_000_000")
    assert len(inspect(furnished, "Wordy").data["text/plain"]) <= 1_000_000


def test_objects_are_inspected(sandbox: SharedWorker) -> None:
    sandbox.run("def documented(argument):\n    '''What it does.'''")
    reply = inspect(sandbox, "documented")
    assert reply.found
    assert "What it does." in reply.data["text/plain"]
    source = sandbox.call(sandbox.worker.inspect, "documented", 3, 1)
    assert "def" in source.data["text/plain"]


def test_what_is_not_there_is_not_found(sandbox: SharedWorker) -> None:
    reply = inspect(sandbox, "no_such_name_of_ours")
    assert (reply.found, reply.data) == (False, {})


@pytest.mark.parametrize(
    ("code", "status", "indent"),
    [
        ("x = 1", "complete", ""),
        ("for x in y:", "incomplete", "    "),
        ("print(", "incomplete", ""),
        ("x = = 1", "invalid", ""),
        ("await f()", "complete", ""),
        ("%time x", "complete", ""),
    ],
)
def test_code_is_complete_or_not(
    sandbox: SharedWorker, code: str, status: str, indent: str
) -> None:
    reply = sandbox.call(sandbox.worker.is_complete, code)
    assert (reply.status, reply.indent) == (status, indent)


def test_what_an_object_prints_while_it_is_asked_ends_nothing(
    sandbox: SharedWorker,
) -> None:
    code = """
import sys
class Chatty:
    def __dir__(self):
        print("asked", file=sys.stderr); display("asked"); return ["only_this"]
chatty = Chatty()
"""
    sandbox.run(code)
    assert "only_this" in complete(sandbox, "chatty.").matches
    assert sandbox.run("1").status == "ok"


def test_nothing_else_is_answered_while_a_cell_runs(sandbox: SharedWorker) -> None:
    refused: list[str] = []

    async def ask_while_busy(worker: Worker) -> ExecuteReply:
        started = trio.Event()
        replies: list[ExecuteReply] = []

        def note(_output: Output) -> None:
            started.set()

        async def run() -> None:
            code = "import time; print('started'); time.sleep(30)"
            replies.append(await worker.execute(code, note))

        async def expect_refusal(request: Callable[[], object]) -> None:
            with pytest.raises(WorkerBusyError):
                await request()  # type: ignore[misc]
            refused.append("yes")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            with trio.fail_after(30):
                await started.wait()
            await expect_refusal(lambda: worker.execute("1", note))
            await expect_refusal(lambda: worker.complete("1", 1))
            await expect_refusal(lambda: worker.inspect("1", 1))
            await expect_refusal(lambda: worker.is_complete("1"))
            worker.interrupt()
        return replies[0]

    reply = sandbox.call(ask_while_busy, sandbox.worker)
    assert reply.ename == "KeyboardInterrupt"
    assert len(refused) == 4
