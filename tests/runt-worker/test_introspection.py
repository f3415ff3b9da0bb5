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
