"""The kernel: runs one cell at a time and answers requests between cells."""

import asyncio
import json
import signal
import sys
from collections import deque
from types import FrameType
from typing import Any

import pyodide.webloop

from runt_kernel import _introspection, _packages
from runt_kernel._bridge import Bridge, Send, encode, sender
from runt_kernel._force import Force
from runt_kernel._shell import CellExit, RuntShell
from runt_kernel._stdin import Stdin
from runt_kernel._streams import StreamName, Streams
from runt_kernel._tracebacks import error_message
from runt_kernel._waits import SyncWaits, is_between_steps

_FORCE = signal.SIGUSR2
"""An interrupt that the cell shall not withstand; `interrupts.ts` knows it, too."""

_MAX_LATE = 1000
"""So many outputs wait for the next cell; past that the oldest are dropped."""


class Kernel:
    """IPython and its streams, driven by ``guest.ts`` once it is connected."""

    _bridge: Bridge
    _post: Send

    def __init__(self) -> None:
        self._request: int | None = None
        self._late: deque[tuple[dict[str, Any], bytes]] = deque(maxlen=_MAX_LATE)
        self._task: asyncio.Task[dict[str, Any]] | None = None
        self._executor: asyncio.Task[str] | None = None
        self._interrupted = self._has_shown_error = False
        self._waits = SyncWaits()
        self._force = Force()
        self._streams = Streams(self._send_text)
        self._stdin = Stdin(self._send)
        self._is_answering = False
        sys.stdout, sys.stderr = self._streams.out, self._streams.err
        self._shell = RuntShell.instance(
            send=self._send, is_interrupted=lambda: self._interrupted
        )

    def connect(self, bridge: Bridge, max_frame_bytes: int) -> None:
        """Let messages out, and let the host thread interrupt a cell."""
        self._bridge = bridge
        self._post = sender(bridge, max_frame_bytes)
        pyodide.webloop.scheduleCallback = bridge.schedule
        self._waits.install()
        self._listen()
        self._stdin.install(bridge)

    # -- before it is connected

    def try_cell(self, code: str, *, store_history: bool = True) -> None:
        """Run a cell that waits for nothing, so that its like run faster later."""
        try:
            self._run(code, store_history=store_history).send(None)
        except StopIteration:
            return
        raise ValueError(f"{code!r} waits for something")

    def try_completion(self, code: str) -> None:
        """Complete at the end of a text, with the same aim."""
        _introspection.complete(self._shell, code, len(code))

    def reset(self) -> None:
        """Forget what was tried: count, history, variables and outputs begin anew."""
        self._shell.reset(new_session=True)
        self._shell.user_ns.update(dict.fromkeys(("_", "__", "___"), ""))
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            if hasattr(sys, name):
                delattr(sys, name)
        self._streams.drop()
        self._late.clear()

    # -- requests of guest.ts

    async def execute(self, head: str) -> str:
        """Run a cell, send its outputs, return the frame of its ``execute_reply``.

        ``guest.ts`` sends that one when no late signal can hit anything any more.
        """
        message = json.loads(head)
        request = self._request = message["request"]
        self._interrupted = self._has_shown_error = False
        self._stdin.allowed = message["content"]["allow_stdin"]
        self._listen()  # an earlier cell may have listened itself, or not at all
        while self._late:
            self._show(*self._late.popleft())
        code = message["content"]["code"]
        self._executor = asyncio.current_task()
        self._task = asyncio.ensure_future(self._run(code))
        try:
            reply = await self._task
        except BaseException as error:  # noqa: BLE001 (a cell may raise anything)
            reply = self._failed(error)
        finally:
            self._task = None
            self._force.release()
        self._align_history(code)
        if errno := self._bridge.settle_files():
            sys.stderr.write(f"not all that was written reached the disk: {errno}\n")
        self._streams.end()
        self._request, self._stdin.allowed = None, False
        content = {"msg_type": "execute_reply", **reply}
        return encode({"request": request, "content": content})

    def answer(self, head: str) -> str:
        """Answer a request that runs no cell; return the frame of the reply."""
        message = json.loads(head)
        self.flush()  # what tasks have printed is for the next cell
        try:
            reply = self._introspect(message["content"])
        except BaseException as error:  # noqa: BLE001 (of jedi, or of any object)
            self._is_answering = False
            reply = {**error_message(type(error), error, []), "msg_type": "error_reply"}
        return encode({"request": message["request"], "content": reply})

    def _introspect(self, request: dict[str, Any]) -> dict[str, Any]:
        with _packages.offline():
            self._is_answering = True
            try:
                return _introspection.answer(self._shell, request)
            finally:
                self.flush()  # drops what was printed meanwhile
                self._is_answering = False

    def cancel(self, force: bool) -> None:  # noqa: FBT001 (called from JavaScript)
        """Interrupt a cell that awaits: told by message, since no bytecode runs."""
        if self._task is not None and self._bridge.take_interrupt():
            self._interrupted = True
            if force:
                self._force.apply()
            self._stop_waiting(self._task)

    def flush(self) -> None:
        """Send what was printed so far."""
        self._streams.show()

    # -- inside a cell

    async def _run(self, code: str, *, store_history: bool = True) -> dict[str, Any]:
        shell = self._shell
        shell.failed_display = None
        cell = shell.transform_cell(code)
        result = await shell.run_cell_async(
            code, store_history=store_history, transformed_cell=cell
        )
        # Displays of open figures and the like; run_cell_async leaves them to us.
        shell.events.trigger("post_execute")
        shell.events.trigger("post_run_cell", result)
        count = max(shell.execution_count - 1, 1)
        error = result.error_before_exec or result.error_in_exec or shell.failed_display
        if self._interrupted:  # also where the cell caught it and went on
            return self._failed(KeyboardInterrupt())
        if error is not None and not isinstance(error, CellExit):
            return self._error_reply(error)
        return {"status": "ok", "execution_count": count}

    def _align_history(self, code: str) -> None:
        """Have `In` hold as many cells as were counted.

        An interrupt can come between IPython's counting of a cell and its storing.
        """
        history = self._shell.history_manager
        count = max(self._shell.execution_count, len(history.input_hist_parsed))
        for inputs in (history.input_hist_parsed, history.input_hist_raw):
            inputs.extend([code] * (count - len(inputs)))
        self._shell.execution_count = count

    def _failed(self, error: BaseException) -> dict[str, Any]:
        """Report what got past IPython: an interrupt outside of the cell's own code."""
        if self._interrupted:
            error = KeyboardInterrupt()
        if not self._has_shown_error:
            self._send(error_message(type(error), error, [type(error).__name__]))
        return self._error_reply(error)

    def _error_reply(self, error: BaseException) -> dict[str, Any]:
        message = error_message(type(error), error, [])
        return {
            "status": "error",
            "execution_count": max(self._shell.execution_count - 1, 1),
            "ename": message["ename"],
            "evalue": message["evalue"],
        }

    def _listen(self) -> None:
        signal.signal(signal.SIGINT, self._on_interrupt)
        signal.signal(_FORCE, self._on_interrupt)
        signal.signal(signal.SIGUSR1, lambda *_: self.flush())

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        """Turn a signal into KeyboardInterrupt where the cell's code runs."""
        if self._is_answering:
            # Not taken, so the host repeats it until this has ended: IPython catches
            # it in one matcher and goes on with the next.
            raise KeyboardInterrupt
        task = self._task
        # Before or after the cell's own code there is nobody to tell yet: the host
        # repeats the signal until it was taken.
        if task is None or not self._bridge.take_interrupt():
            return
        self._interrupted = True
        if number == _FORCE:
            self._force.apply()
        current = asyncio.current_task()
        if current is not task:
            self._stop_waiting(task)
        if current in {None, self._executor}:
            return
        if is_between_steps(frame):
            current.cancel()
        else:
            raise KeyboardInterrupt

    def _stop_waiting(self, task: asyncio.Task[dict[str, Any]]) -> None:
        if not self._waits.interrupt():
            task.cancel()

    # -- messages

    def _send(self, message: dict[str, Any]) -> None:
        self.flush()
        self._has_shown_error |= message["msg_type"] == "error"
        self._show(message)

    def _send_text(self, name: StreamName, text: bytes) -> None:
        self._show({"msg_type": "stream", "name": name}, text)

    def _show(self, content: dict[str, Any], tail: bytes = b"") -> None:
        if self._is_answering:
            return  # what an object prints while it is looked at, nobody has asked for
        if self._request is None:
            # A task that outlived its cell; the next one shows it.
            self._late.append((content, tail))
        else:
            self._post({"request": self._request, "content": content}, tail)
