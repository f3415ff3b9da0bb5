"""``input()`` of a cell: the question comes as a message, its answer goes by a call.

The guest sends an ``input_request`` among its outputs, so whatever it has shown before
is shown before the prompt. Then it waits where signals wake it, until an ``input_news``
message says that there is an answer, which it takes by an ``input_reply`` call. A cell
waits for one answer at a time: a newer question means that it has given up the older
one.

Source: Jupyter messaging protocol 5.4, messages on the stdin channel.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
import trio

from runt_worker._calls import Answer, Call, parse_parameters
from runt_worker._outputs import Content

MAX_PROMPT_CHARACTERS = 64 * 1024
"""Nobody reads a longer prompt, and one of megabytes would stall a terminal."""

QuestionNumber = Annotated[int, msgspec.Meta(ge=1, lt=2**53)]


class InputRequest(Content, frozen=True, kw_only=True, tag="input_request"):
    """A cell asks for a line of text.

    Attributes:
        question: the number of the question in its kernel.
        prompt: what to show before the answer.
        password: whether the answer must not be shown.
    """

    question: QuestionNumber
    prompt: Annotated[str, msgspec.Meta(max_length=MAX_PROMPT_CHARACTERS)]
    password: bool


OnInput = Callable[[InputRequest], Awaitable[str | None]]
"""Returns the line without its end, or None for the end of file. It is cancelled when
the cell does not want the answer any more."""


class _InputReply(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of ``input_reply``."""

    question: QuestionNumber


class InputCalls:
    """Answers the ``input_reply`` calls of one kernel, in the thread of its calls."""

    def __init__(self) -> None:
        self._answered: tuple[int, str | None] = (0, None)

    def answer(self, question: int, line: str | None) -> None:
        """Have the answer to a question ready; called from any thread."""
        self._answered = (question, line)

    def __call__(self, call: Call) -> Answer:
        """Answer with a ``value`` if there is one by now."""
        try:
            asked = parse_parameters(call, _InputReply).question
        except msgspec.ValidationError:
            return Answer({"code": "EINVAL"})
        question, line = self._answered
        return Answer({"value": line} if question == asked else {})


class Dialogue:
    """Puts the questions of one cell to whoever can answer them.

    Args:
        on_input: asks for a line.
        answer: gives the guest the answer to the question of that number.
    """

    def __init__(
        self, on_input: OnInput, answer: Callable[[int, str | None], Awaitable[None]]
    ) -> None:
        self._on_input = on_input
        self._answer = answer
        self._next: InputRequest | None = None
        self._news = trio.Event()
        self._asking = trio.CancelScope()

    def ask(self, request: InputRequest) -> None:
        """Put a question, instead of one that is still open."""
        self._asking.cancel()
        self._next = request
        self._news.set()

    def withdraw(self) -> None:
        """Ask no more for what was asked so far: the cell was interrupted."""
        self._asking.cancel()
        self._next = None

    async def serve(self) -> None:
        """Ask and answer until this is cancelled."""
        while True:
            await self._news.wait()
            self._news = trio.Event()
            if self._next is not None:
                await self._put(self._next)

    async def _put(self, request: InputRequest) -> None:
        self._next = None
        with trio.CancelScope() as self._asking:
            line = await self._on_input(request)
            cleaned = None if line is None else _clean(line)
            await self._answer(request.question, cleaned)


def _clean(line: str) -> str:
    """Return text that JSON can carry: bytes that are no UTF-8 come as surrogates."""
    return line.encode("utf-8", "replace").decode("utf-8")
