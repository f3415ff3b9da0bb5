"""The console's prompt: prompt_toolkit, which asks the worker about what is typed.

prompt_toolkit brings an event loop of its own, so the prompt runs in a thread; its
questions to the worker come back to trio.
"""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Final, TypeVar

import trio
from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.python import (  # pyright: ignore[reportMissingTypeStubs] # none
    PythonLexer,
)

from runt_cli._console_history import open_history
from runt_worker import CompleteReply, IsCompleteReply, Worker, WorkerError

_INDENT: Final = "    "
_MAX_INDENT_CHARS: Final = 200

ReplyT = TypeVar("ReplyT")


class Questions:
    """What the prompt's threads may ask of a worker, which lives in trio."""

    def __init__(self, worker: Worker) -> None:
        """Ask a worker; made where it lives.

        Args:
            worker: The worker.
        """
        self._worker = worker
        self._token = trio.lowlevel.current_trio_token()
        self._completing = trio.CancelScope()
        self._wants_completions = True

    def begin(self) -> None:
        """Want completions for another input."""
        self._wants_completions = True

    def give_up(self) -> None:
        """Want none any more, those included that a thread is about to ask for."""
        self._wants_completions = False
        self._token.run_sync_soon(self._completing.cancel)

    def complete(self, code: str, cursor_pos: int) -> CompleteReply | None:
        """Return completions; None if the worker has none to give."""
        return self._ask(partial(self._complete, code, cursor_pos))

    def is_complete(self, code: str) -> IsCompleteReply | None:
        """Return whether code could be run; None if the worker cannot say."""
        self.give_up()
        return self._ask(partial(self._worker.is_complete, code))

    def _ask(self, ask: Callable[[], Awaitable[ReplyT]]) -> ReplyT | None:
        try:
            return trio.from_thread.run(ask, trio_token=self._token)
        except (WorkerError, trio.Cancelled, trio.RunFinishedError):
            return None

    async def _complete(self, code: str, cursor_pos: int) -> CompleteReply | None:
        self._completing.cancel()  # those for what was typed before
        if self._wants_completions:
            with trio.CancelScope() as self._completing:
                return await self._worker.complete(code, cursor_pos)
        return None


class ConsolePrompt:
    """Reads one input after the other, with the lines of each edited together."""

    def __init__(self, worker: Worker) -> None:
        """Make a prompt; needs a terminal, and trio.

        Args:
            worker: Is asked for completions, and whether an input is complete.
        """
        self._questions = questions = Questions(worker)
        self._session: PromptSession[str] = PromptSession(
            history=open_history(),
            lexer=PygmentsLexer(PythonLexer),
            completer=WorkerCompleter(questions),
            complete_in_thread=True,
            complete_while_typing=False,
            multiline=True,
            key_bindings=_key_bindings(questions),
            prompt_continuation=_continuation,
        )
        self._is_over = False

    async def read(self, number: int) -> str | None:
        """Return the next input, empty if it was given up; None at the end.

        Args:
            number: Of the prompt.
        """
        answered = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._leave_when_cancelled, answered)
            text = await trio.to_thread.run_sync(self._prompt, number)
            answered.set()
        return text

    def _prompt(self, number: int) -> str | None:
        self._questions.begin()
        prompt: StyleAndTextTuples = [("ansigreen", f"In [{number}]: ")]
        try:
            return self._session.prompt(prompt, pre_run=self._leave_if_over)
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return None

    async def _leave_when_cancelled(self, answered: trio.Event) -> None:
        try:
            await answered.wait()
        except trio.Cancelled:
            # The thread has to end first, else the terminal would be left as the
            # prompt has set it.
            self._is_over = True
            loop = self._session.app.loop
            if loop is not None:
                loop.call_soon_threadsafe(self._leave_if_over)
            raise

    def _leave_if_over(self) -> None:
        app = self._session.app
        if self._is_over and app.is_running and not app.is_done:
            app.exit(exception=EOFError())


class WorkerCompleter(Completer):
    """Completes with what the sandbox knows; runs in a thread."""

    def __init__(self, questions: Questions) -> None:
        """Complete by asking.

        Args:
            questions: To the worker.
        """
        self._questions = questions

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Yield what could stand at the cursor."""
        del complete_event
        cursor = document.cursor_position
        reply = self._questions.complete(document.text, cursor)
        if reply is None or reply.cursor_start > cursor:
            return
        for match in reply.matches:
            # What a terminal does not print is no name and no path to choose.
            if match.isprintable():
                yield Completion(match, start_position=reply.cursor_start - cursor)


def _key_bindings(questions: Questions) -> KeyBindings:
    bindings = KeyBindings()

    def take_enter(event: KeyPressEvent) -> None:
        _take_enter(event.current_buffer, questions)

    def indent(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(_INDENT)

    def give_up(event: KeyPressEvent) -> None:
        questions.give_up()
        event.app.exit(exception=KeyboardInterrupt(), style="class:aborting")

    bindings.add("enter")(take_enter)
    bindings.add("tab", filter=Condition(_is_indenting))(indent)
    bindings.add("c-c")(give_up)
    return bindings


def _take_enter(buffer: Buffer, questions: Questions) -> None:
    """Run what is complete; else begin another line."""
    completing = buffer.complete_state
    if completing is not None and completing.current_completion is not None:
        buffer.apply_completion(completing.current_completion)
        return
    document = buffer.document
    if document.text_after_cursor.strip():
        if not document.on_last_line:
            buffer.newline()
            return
        code = document.text
    else:
        code = document.text_before_cursor
    if document.line_count > 1 and not document.current_line.strip():
        code += "\n"  # a blank line ends a cell magic, which nothing else does
    reply = questions.is_complete(code)
    if reply is not None and reply.status == "incomplete":
        buffer.insert_text("\n" + " " * min(len(reply.indent), _MAX_INDENT_CHARS))
        questions.begin()
    else:
        buffer.validate_and_handle()


def _is_indenting() -> bool:
    return not get_app().current_buffer.document.current_line_before_cursor.strip()


def _continuation(width: int, _line_number: int, _wrapped: int) -> StyleAndTextTuples:
    return [("ansigreen", "...: ".rjust(width))]
