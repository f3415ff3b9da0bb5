"""A request that a sandbox has not answered yet."""

from collections.abc import Callable
from typing import Generic, TypeVar

import trio

from runt_worker._errors import GuestProtocolError, IntrospectionError, WorkerDiedError
from runt_worker._outputs import Output
from runt_worker._replies import (
    CompleteReply,
    ErrorReply,
    ExecuteReply,
    InspectReply,
    IsCompleteReply,
    Reply,
)
from runt_worker._stdin import Dialogue, InputRequest

OnOutput = Callable[[Output], None]
PauseS = Callable[[float], float]
"""Tells, at a time, for how many seconds nothing more should be taken from a cell."""

ReplyT = TypeVar("ReplyT", ExecuteReply, CompleteReply, InspectReply, IsCompleteReply)


class PendingRequest(Generic[ReplyT]):
    """A request that was sent. Made by `Kernel.submit` only.

    Attributes:
        number: what its answer and its outputs refer to.
    """

    def __init__(
        self,
        number: int,
        reply_type: type[ReplyT],
        on_output: OnOutput | None,
        dialogue: Dialogue | None,
        pause_s: PauseS | None,
    ) -> None:
        self.number = number
        self._reply_type = reply_type
        self._on_output = on_output
        self._dialogue = dialogue
        self._pause_s = pause_s
        self._is_told_to_stop = trio.Event()
        self._done = trio.Event()
        self._outcome: ReplyT | ErrorReply | WorkerDiedError | None = None

    async def wait(self) -> ReplyT:
        """Wait for the answer, any number of times.

        Raises:
            WorkerDiedError: the process ended before it answered.
            IntrospectionError: the kernel could not answer.
        """
        while self._outcome is None:
            await self._done.wait()
        if isinstance(self._outcome, ErrorReply):
            raise IntrospectionError(f"{self._outcome.ename}: {self._outcome.evalue}")
        if isinstance(self._outcome, WorkerDiedError):
            raise self._outcome
        return self._outcome

    async def settled(self) -> None:
        """Wait until the answer is there, or none will come; raise nothing."""
        await self._done.wait()

    def ask(self, request: InputRequest) -> None:
        """Put the cell's question.

        Raises:
            GuestProtocolError: the sandbox was told that nobody can answer.
        """
        if self._dialogue is None:
            raise GuestProtocolError("the sandbox asked for input of nobody")
        self._dialogue.ask(request)

    def stopping(self) -> None:
        """Ask no more for what the cell asked so far, and hold it back no more."""
        self._is_told_to_stop.set()
        if self._dialogue is not None:
            self._dialogue.withdraw()

    async def hold_back(self) -> None:
        """Wait as long as nothing more should be taken from it."""
        if self._pause_s is None or self._is_told_to_stop.is_set():
            return
        pause_s = self._pause_s(trio.current_time())
        if pause_s > 0:
            with trio.move_on_after(pause_s):
                await self._is_told_to_stop.wait()

    def show(self, output: Output) -> None:
        """Hand out what the cell shows."""
        if self._on_output:
            self._on_output(output)

    def take(self, reply: Reply) -> None:
        """Let `wait` return the answer.

        Raises:
            GuestProtocolError: the sandbox gave another kind of answer.
        """
        if isinstance(reply, self._reply_type) or (
            isinstance(reply, ErrorReply) and self._reply_type is not ExecuteReply
        ):
            self._outcome = reply
            self._done.set()
        else:
            raise GuestProtocolError("the sandbox gave an answer of another kind")

    def die(self, death: WorkerDiedError) -> None:
        """Let `wait` raise."""
        self._outcome = death
        self._done.set()
