"""``input()``, ``getpass()`` and ``sys.stdin``: lines from whoever runs the cell.

The question goes out among the cell's outputs, then the guest sleeps until there is a
signal to take, or the answer to be fetched.
"""

import builtins
import getpass
import io
import itertools
import json
import sys
from typing import Any

from IPython.core.error import StdinNotImplementedError

from runt_kernel._bridge import Bridge, Send
from runt_kernel._signals import take_signals

_MAX_PROMPT_CHARACTERS = 64 * 1024
"""The supervisor takes no longer one."""


class Stdin:
    """Asks for lines.

    Attributes:
        allowed: whether a cell runs whose questions somebody can answer.
    """

    _bridge: Bridge

    def __init__(self, send: Send) -> None:
        self.allowed = False
        self._send = send
        self._questions = itertools.count(1)

    def install(self, bridge: Bridge) -> None:
        """Replace what reads from a terminal, which is not there."""
        self._bridge = bridge

        def read_line(prompt: object = "", /) -> str:
            """Show a prompt and return the line that answers it.

            Raises:
                EOFError: there will be no more lines.
                StdinNotImplementedError: nobody can answer.
            """
            return self.ask("input()", str(prompt))

        def read_password(
            prompt: str = "Password: ",
            stream: object = None,  # noqa: ARG001 (getpass's signature)
            *,
            echo_char: str | None = None,  # noqa: ARG001
        ) -> str:
            """Show a prompt and return the line that answers it, which is not shown."""
            return self.ask("getpass()", str(prompt), password=True)

        read_line.__name__ = read_line.__qualname__ = "input"
        read_password.__name__ = read_password.__qualname__ = "getpass"
        builtins.input = read_line
        getpass.getpass = read_password
        sys.stdin = _StdinFile(self)

    def ask(self, asker: str, prompt: str, *, password: bool = False) -> str:
        """Return a line without its end.

        Args:
            asker: what the cell called, for the error.
            prompt: what is shown before the answer.
            password: whether the answer must not be shown.

        Raises:
            EOFError: there will be no more lines.
            StdinNotImplementedError: nobody can answer.
            KeyboardInterrupt: the cell was interrupted.
        """
        if not self.allowed:
            raise StdinNotImplementedError(
                f"{asker} was called, but nobody can answer it here"
            )
        if len(prompt) > _MAX_PROMPT_CHARACTERS:
            sys.stdout.write(prompt[:-_MAX_PROMPT_CHARACTERS])
            prompt = prompt[-_MAX_PROMPT_CHARACTERS:]
        question = next(self._questions)
        self._send(
            {
                "msg_type": "input_request",
                "question": question,
                "prompt": prompt,
                "password": password,
            }
        )
        line = self._answer(question)
        if line is None:
            raise EOFError("end of the input")
        return line

    def _answer(self, question: int) -> str | None:
        parameters = json.dumps({"question": question})
        answer: dict[str, Any] = {}
        while "value" not in answer:  # nor is it in a call that was interrupted
            # No signal would wake a guest that waits in a call.
            while not self._bridge.wait_for_answer(question):
                take_signals()
            answer = json.loads(self._bridge.call("input_reply", parameters))
        return answer["value"]


class _StdinFile(io.TextIOBase):
    """``sys.stdin``: a question without a prompt for each line.

    Where nobody can answer, it is at its end, as under ipykernel.
    """

    encoding = "utf-8"
    errors = "strict"
    name = "<stdin>"

    def __init__(self, stdin: Stdin) -> None:
        self._stdin = stdin
        self._text = ""

    def readable(self) -> bool:
        return True

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        self._text = self._text or self._next_line()
        end = self._text.find("\n") + 1 or len(self._text)
        return self._take(end if size is None or size < 0 else min(size, end))

    def read(self, size: int | None = -1, /) -> str:
        wanted = sys.maxsize if size is None or size < 0 else size
        while len(self._text) < wanted and (line := self._next_line()):
            self._text += line
        return self._take(wanted)

    def close(self) -> None:
        """Stay open: later cells read here too."""

    def _next_line(self) -> str:
        if not self._stdin.allowed:
            return ""
        try:
            return self._stdin.ask("sys.stdin", "") + "\n"
        except EOFError:
            return ""

    def _take(self, count: int) -> str:
        taken, self._text = self._text[:count], self._text[count:]
        return taken
