"""``input()`` and ``getpass()`` are answered, refused or interrupted, in a sandbox."""

from collections.abc import Awaitable, Callable

import pytest
import trio

from runt_worker import InputRequest, Output, Stream, Worker
from runt_worker._calls import Answer, Call
from runt_worker._stdin import InputCalls
from runt_worker.testing import TIMEOUT_S, Ran, SharedWorker

OnInput = Callable[[InputRequest], Awaitable[str | None]]


class Answers:
    """Answers one question after the other, and notes each of them."""

    def __init__(self, *lines: str | None) -> None:
        self._lines = list(lines)
        self.seen: list[InputRequest | Output] = []

    async def on_input(self, request: InputRequest) -> str | None:
        self.seen.append(request)
        await trio.lowlevel.checkpoint()
        return self._lines.pop(0)

    @property
    def prompts(self) -> list[str]:
        return [it.prompt for it in self.seen if isinstance(it, InputRequest)]


def run(sandbox: SharedWorker, code: str, answers: Answers) -> Ran:
    async def execute(worker: Worker) -> Ran:
        ran = Ran()

        def show(output: Output) -> None:
            ran.outputs.append(output)
            answers.seen.append(output)

        with trio.fail_after(TIMEOUT_S):
            ran.reply = await worker.execute(code, show, answers.on_input)
        return ran

    return sandbox.call(execute, sandbox.worker)


def test_input_is_answered(sandbox: SharedWorker) -> None:
    answers = Answers("Grün 😀", "second")
    ran = run(sandbox, "print(repr(input('Name? ')), repr(input()))", answers)
    assert ran.text() == "'Grün 😀' 'second'\n"
    assert answers.prompts == ["Name? ", ""]


def test_passwords_say_that_they_are_some(sandbox: SharedWorker) -> None:
    answers = Answers("secret")
    code = "import getpass\nlen(getpass.getpass('Key: ')) == 6 or 1 / 0"
    assert run(sandbox, code, answers).status == "ok"
    [request] = [it for it in answers.seen if isinstance(it, InputRequest)]
    assert (request.prompt, request.password) == ("Key: ", True)


def test_what_was_printed_before_a_prompt_is_shown_before_it(
    sandbox: SharedWorker,
) -> None:
    answers = Answers("a")
    run(sandbox, "print('x' * 3_000_000); print('before')\ninput('?')", answers)
    at = next(n for n, it in enumerate(answers.seen) if isinstance(it, InputRequest))
    before = [it.text for it in answers.seen[:at] if isinstance(it, Stream)]
    assert "".join(before).endswith("before\n")


def test_the_end_of_input_is_an_eof_error(sandbox: SharedWorker) -> None:
    ran = run(sandbox, "input('?')", Answers(None))
    assert ran.status == "EOFError"


def test_lines_of_the_standard_input_are_questions(sandbox: SharedWorker) -> None:
    code = """
import sys
print([sys.stdin.readline(), sys.stdin.read(3), sys.stdin.readline()])
print(list(sys.stdin), sys.stdin.read())
"""
    answers = Answers("one", "second", "a", "b", None, None)
    ran = run(sandbox, code, answers)
    assert ran.text() == "['one\\n', 'sec', 'ond\\n']\n['a\\n', 'b\\n'] \n"


@pytest.mark.parametrize(
    "code",
    [
        "input('?')",
        "import getpass; getpass.getpass()",
        "import asyncio; await asyncio.to_thread(input) if False else input()",
    ],
)
def test_where_nobody_can_answer_the_cell_is_told(
    sandbox: SharedWorker, code: str
) -> None:
    ran = sandbox.run(code)
    assert ran.status == "StdinNotImplementedError"
    assert "nobody can answer" in str(ran.reply)


def test_where_nobody_can_answer_the_standard_input_has_ended(
    sandbox: SharedWorker,
) -> None:
    ran = sandbox.run("import sys\nprint(list(sys.stdin), sys.stdin.readline() == '')")
    assert ran.text() == "[] True\n"


def test_completions_ask_nobody(sandbox: SharedWorker) -> None:
    run(sandbox, "class Asks:\n    def __dir__(self): return [input()]", Answers())
    sandbox.run("asks = Asks()")
    reply = sandbox.call(sandbox.worker.complete, "asks.", 5)
    assert reply.matches == []
    assert sandbox.run("1").status == "ok"


CAUGHT = """
kept = 'kept'
try:
    input('first ')
except KeyboardInterrupt:
    for _ in range(30):
        import time; time.sleep(0.01)  # where a second one would hit
    print(repr(input('second ')))
"""


HEARS_TICKS = """
import signal
signal.signal(signal.SIGUSR1, lambda *_: display('tick'))
try:
    print(input('first '))
except KeyboardInterrupt:
    print(input('second '))
"""


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[Answer]:
    """Return what calls for an answer are answered; it grows with each."""
    answers: list[Answer] = []
    answer = InputCalls.__call__

    def note(calls: InputCalls, call: Call) -> Answer:
        answers.append(answer(calls, call))
        return answers[-1]

    monkeypatch.setattr(InputCalls, "__call__", note)
    return answers


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_cell_that_asks_hears_ticks_and_calls_for_nothing_but_its_answer(
    sandbox: SharedWorker, fetched: list[Answer], *, interrupted: bool
) -> None:
    """A call cannot be woken by a signal, so no wait must be one."""

    async def execute(worker: Worker) -> Ran:
        ran, ticked = Ran(), trio.Event()

        def show(output: Output) -> None:
            nonlocal ticked
            ran.outputs.append(output)
            ticked.set()

        async def on_input(request: InputRequest) -> str | None:
            nonlocal ticked
            if request.prompt == "second ":
                return "answered"  # soon: the interrupt is repeated after a while
            for _ in range(3):
                ticked = trio.Event()
                await ticked.wait()
            if interrupted:
                worker.interrupt()
                await trio.sleep_forever()
            return "answered"

        with trio.fail_after(TIMEOUT_S):
            ran.reply = await worker.execute(HEARS_TICKS, show, on_input)
        return ran

    ran = sandbox.call(execute, sandbox.worker)
    assert ran.text() == "answered\n"
    assert ran.status == ("KeyboardInterrupt" if interrupted else "ok")
    assert [it.head for it in fetched] == [{"value": "answered"}]


def test_a_question_can_be_interrupted_and_the_next_one_answered(
    sandbox: SharedWorker,
) -> None:
    """The answer to the first, which comes too late, is none to the second."""
    prompts: list[str] = []
    withdrawn: list[str] = []

    async def execute(worker: Worker) -> Ran:
        ran = Ran()

        async def on_input(request: InputRequest) -> str | None:
            prompts.append(request.prompt)
            if request.prompt == "second ":
                return "answered"
            worker.interrupt()
            try:
                await trio.sleep_forever()
            finally:
                withdrawn.append(request.prompt)

        with trio.fail_after(TIMEOUT_S):
            ran.reply = await worker.execute(CAUGHT, ran.outputs.append, on_input)
        return ran

    ran = sandbox.call(execute, sandbox.worker)
    assert (prompts, withdrawn) == (["first ", "second "], ["first "])
    assert ran.text() == "'answered'\n"
    assert ran.status == "KeyboardInterrupt"
    assert sandbox.run("print(kept)").text() == "kept\n"


def test_cancelling_a_cell_that_asks_ends_it(sandbox: SharedWorker) -> None:
    async def cancel(worker: Worker) -> int:
        asked = trio.Event()

        async def on_input(_request: InputRequest) -> str | None:
            asked.set()
            await trio.sleep_forever()

        async def give_up(scope: trio.CancelScope) -> None:
            await asked.wait()
            scope.cancel()

        with trio.fail_after(TIMEOUT_S):
            async with trio.open_nursery() as nursery:
                with trio.CancelScope() as scope:
                    nursery.start_soon(give_up, scope)
                    await worker.execute("kept = 7\ninput()", print, on_input)
        return worker.pid

    before = sandbox.worker.pid
    assert sandbox.call(cancel, sandbox.worker) == before
    assert sandbox.run("print(kept)").text() == "7\n"


def test_what_answering_raises_ends_the_cell_and_is_raised(
    sandbox: SharedWorker,
) -> None:
    async def fail(worker: Worker) -> None:
        async def on_input(_request: InputRequest) -> str | None:
            raise LookupError("no terminal")

        with trio.fail_after(TIMEOUT_S):
            await worker.execute("kept = 8\ninput()", print, on_input)

    with pytest.raises(LookupError, match="no terminal"):
        sandbox.call(fail, sandbox.worker)
    assert sandbox.run("print(kept)").text() == "8\n"


def test_answers_and_prompts_of_any_size_and_kind_arrive(sandbox: SharedWorker) -> None:
    answers = Answers("y" * 1_000_000, "\udcff\ud800")
    code = "len(input('p' * 100_000 + '\\ud800')) == 1_000_000 or 1 / 0\nprint(input())"
    ran = run(sandbox, code, answers)
    assert (ran.status, ran.text()[-3:]) == ("ok", "??\n")
    assert len(answers.prompts[0]) == 64 * 1024
    assert ran.text().startswith("ppp")


def test_files_can_be_used_between_questions(sandbox: SharedWorker) -> None:
    code = """
with open('/outputs/between', 'w') as file:
    for _ in range(3): file.write(input())
print(open('/outputs/between').read())
"""
    assert run(sandbox, code, Answers("a", "b", "c")).text() == "abc\n"
