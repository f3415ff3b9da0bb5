"""Keeps a notebook connected: the trio edge around `runt_protocol.Replica`.

One task holds a WebSocket open and opens it again when it is lost. While it is open, a
reader feeds the replica and a writer sends what the replica wants sent; what the frames
mean is the replica's business alone.
"""

import logging
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import uuid4

import trio
from websockets.exceptions import (
    ConnectionClosed,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.trio.client import ClientConnection, connect

from runt_agent._dialects import Dialects, LiveStoreVersion
from runt_agent._errors import (
    ConfigError,
    ConnectionRefusedByServerError,
    LogReplacedError,
    UnreachableError,
)
from runt_agent._limits import DEFAULT_LIMITS, Limits
from runt_agent._notebook import Notebook, OnLogged
from runt_agent._service import (
    describe,
    http_origin,
    is_on_this_machine,
    readable_reason,
)
from runt_protocol import NotebookState, OtherLogError, Replica, WireError
from runt_worker import open_flat_nursery

_Work: TypeAlias = Callable[[ClientConnection], Awaitable[None]]

_SERVER_ERRORS: Final = 500
# Refusals that the next attempt may not meet: time-out, too early, too many requests.
_TRANSIENT_REFUSALS: Final = frozenset({408, 425, 429})

_logger = logging.getLogger(__name__)

# At debug level websockets logs the request line, and with it the token.
_websocket_logger = logging.getLogger(f"{__name__}.websocket")
_websocket_logger.setLevel(logging.INFO)


@asynccontextmanager
async def open_notebook(  # noqa: PLR0913 - all but three have defaults
    *,
    sync_url: str,
    notebook_id: str,
    payload: Mapping[str, Any],
    on_logged: OnLogged | None = None,
    may_push: Callable[[], bool] | None = None,
    livestore: LiveStoreVersion | None = None,
    limits: Limits = DEFAULT_LIMITS,
    drops_orphans: bool = False,
) -> AsyncGenerator[Notebook]:
    """Join a notebook as a client, and stay connected until the block ends.

    Args:
        sync_url: The service's sync endpoint, `ws://` or `wss://`.
        notebook_id: The notebook.
        payload: What the service asks of a client, such as `{"authToken": "..."}`.
        on_logged: Called for each event of the log, in its order, own ones included.
        may_push: Asked after each event of the log; once it says no, nothing more is
            sent and what is pending stays here.
        livestore: The LiveStore release line that the service speaks. If None, 0.3 is
            tried first, and 0.4 when the service refuses that.
        limits: Time-outs and sizes.
        drops_orphans: Whether the state forgets the text of outputs that are gone, so
            that it does not grow with the log; see `NotebookState`.

    Yields:
        The notebook, read to the head of its log. A lost connection is opened again in
        the background, and what was committed meanwhile is pushed then. What is still
        pending when the block ends is lost: `flush` first.

    Raises:
        ConfigError: The URL is no WebSocket URL.
        ConnectionRefusedByServerError: The server refuses this client, at the first
            connection or, several times in a row, at a later one.
        UnreachableError: The first connection did not succeed in time.
        LogReplacedError: At a later connection the service has another log of the
            notebook; nothing was pushed into that.
    """
    # Fresh names: nobody else's events may look like an echo of ours.
    replica = Replica(
        client_id=f"runt-{uuid4()}",
        session_id=uuid4().hex,
        limits=limits.sync,
        drops_orphans=drops_orphans,
    )
    notebook = Notebook(replica, on_logged)
    connection = _Connection(
        sync_url=sync_url,
        dialects=Dialects(sync_url, notebook_id, payload, livestore),
        secret=str(payload.get("authToken", "")),
        replica=replica,
        notebook=notebook,
        may_push=may_push or (lambda: True),
        limits=limits,
    )
    try:
        async with open_flat_nursery() as nursery:
            nursery.start_soon(connection.run)
            await connection.wait_synced()
            yield notebook
            connection.close()
    finally:
        notebook.close()


class _Connection:
    """The task that keeps one notebook connected."""

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        sync_url: str,
        dialects: Dialects,
        secret: str,
        replica: Replica,
        notebook: Notebook,
        may_push: Callable[[], bool],
        limits: Limits,
    ) -> None:
        self._origin = http_origin(sync_url)
        self._is_near = is_on_this_machine(sync_url)
        self._dialects = dialects
        self._secret = secret
        self._replica = replica
        self._notebook = notebook
        self._may_push = may_push
        self._limits = limits
        self._is_closing = False
        self._scope = trio.CancelScope()
        self._refusals = 0
        self._last_problem = "no answer"
        self._last_error: str | None = None
        self._skipped_count = 0

    async def wait_synced(self) -> None:
        """Wait for the first pull, however long the log is.

        Raises:
            UnreachableError: For too long nothing came.
        """
        timeout_s = self._limits.first_connect_timeout_s
        while not self._notebook.is_synced:
            head = self._replica.head
            with trio.move_on_after(timeout_s) as waiting:
                await self._notebook.wait_for(partial(self._has_more_than, head))
            if waiting.cancelled_caught:
                raise UnreachableError(
                    f"{self._origin} could not be reached within {timeout_s:g} s: "
                    f"{self._last_problem}"
                )

    def _has_more_than(self, head: int, _: NotebookState) -> bool:
        return self._replica.synced or self._replica.head > head

    def close(self) -> None:
        """End the connection in good order."""
        self._is_closing = True
        self._scope.cancel()

    async def run(self) -> None:
        """Stay connected until closed.

        Raises:
            ConnectionRefusedByServerError: The server refuses this client for good.
            LogReplacedError: The server has another log than the one that was followed.
        """
        while not self._is_closing:
            with trio.CancelScope() as self._scope:
                await self._connect_once()
            jitter = random.random()  # noqa: S311 - it spreads clients, it guards nothing
            self._replica.connection_lost(trio.current_time(), jitter=jitter)
            self._notebook.notify()
            if not self._is_closing:
                with trio.CancelScope() as self._scope:
                    await trio.sleep_until(self._replica.next_deadline())

    async def _connect_once(self) -> None:
        self._replica.use_wire(self._dialects.wire)
        try:
            async with connect(
                self._dialects.url,
                open_timeout=self._limits.handshake_timeout_s,
                close_timeout=self._limits.close_timeout_s,
                # The replica sends pings of its own protocol and misses their answers.
                ping_interval=None,
                proxy=None if self._is_near else True,
                compression=None if self._is_near else "deflate",
                max_size=self._limits.sync.max_received_bytes,
                logger=_websocket_logger,
            ) as socket:
                await self._talk(socket)
        except InvalidURI:
            # Its text holds the whole URL, and with it the token.
            raise ConfigError("the sync URL, or where it redirects, is wrong") from None
        except OtherLogError as error:
            raise LogReplacedError(
                f"{self._origin} has another log of this notebook: {error}",
                head=error.head,
                lost_count=error.pending_count,
            ) from error
        except InvalidStatus as error:
            self._note_refusal(error)
        except (WebSocketException, trio.BrokenResourceError, OSError) as error:
            self._note_problem(describe(error.__cause__ or error))

    async def _talk(self, socket: ClientConnection) -> None:
        """Exchange frames until the connection is lost or no longer wanted."""
        self._refusals = 0
        self._dialects.accept()
        self._replica.connection_opened(trio.current_time())
        async with open_flat_nursery() as nursery:
            # Closing now ends only the talk; a closing handshake follows.
            self._scope = nursery.cancel_scope
            nursery.start_soon(self._until_lost, self._read, socket, nursery)
            nursery.start_soon(self._until_lost, self._write, socket, nursery)
            nursery.start_soon(self._until_lost, self._keep_time, socket, nursery)
        if (reason := self._replica.close_reason) is not None:
            self._note_problem(reason)

    async def _until_lost(
        self, work: _Work, socket: ClientConnection, nursery: trio.Nursery
    ) -> None:
        try:
            await work(socket)
        except ConnectionClosed as error:
            self._note_problem(describe(error))
        nursery.cancel_scope.cancel()

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            text = await socket.recv(decode=True)
            try:
                self._notebook.receive_text(text, trio.current_time())
            except WireError as error:
                _logger.warning("%s sent nonsense: %s", self._origin, error)
            self._log_refusals()

    async def _write(self, socket: ClientConnection) -> None:
        while self._replica.close_reason is None:
            held_until = self._notebook.held_until if self._may_push() else math.inf
            is_held = trio.current_time() < held_until
            frames = [] if is_held else self._replica.data_to_send()
            for text in frames:
                await socket.send(text)
            if frames:
                continue  # something may have changed while they were sent
            with trio.move_on_at(held_until if is_held else math.inf):
                await self._notebook.wait_change()

    async def _keep_time(self, _: ClientConnection) -> None:
        # Not the writer's task: on a half-open connection a send waits until TCP gives
        # up, a quarter of an hour, and the missing Pong would go unnoticed.
        while self._replica.close_reason is None:
            with trio.move_on_at(self._replica.next_deadline()) as waiting:
                await self._notebook.wait_change()
            if waiting.cancelled_caught:
                self._replica.handle_timeout(trio.current_time())
                self._notebook.notify()

    def _log_refusals(self) -> None:
        """Log what else would go wrong without anybody noticing."""
        if self._replica.last_error != self._last_error:
            self._last_error = self._replica.last_error
            _logger.info("%s refused a push: %s", self._origin, self._last_error)
        if self._replica.skipped_count > self._skipped_count:
            self._skipped_count = self._replica.skipped_count
            skipped = self._replica.skipped[-1]
            _logger.warning(
                "event %d of the log is skipped: %s",
                skipped.event.seq_num,
                skipped.reason,
            )

    def _note_problem(self, problem: str) -> None:
        if self._secret:
            problem = problem.replace(self._secret, "***")
        self._last_problem = problem
        _logger.info("no connection to %s: %s", self._origin, problem)

    def _note_refusal(self, error: InvalidStatus) -> None:
        """Count a refusal.

        Raises:
            ConnectionRefusedByServerError: There is no point in another attempt.
        """
        status = error.response.status_code
        body = bytes(error.response.body or b"").decode("utf-8", "replace")
        reason = readable_reason(body, secret=self._secret)
        self._note_problem(str(self._refusal(status, reason)))
        is_first = not self._notebook.is_synced
        if status >= _SERVER_ERRORS or status in _TRANSIENT_REFUSALS:
            if is_first:
                self._dialects.try_next()
            return
        self._refusals += 1
        if not is_first and self._refusals < self._limits.refusals_until_giving_up:
            # What is refused is rather the token than a version that was accepted
            # before; and another version would read the whole log again.
            return
        refused = self._dialects.refuse(status, reason)
        if refused is not None:
            raise self._refusal(*refused) from None

    def _refusal(self, status: int, reason: str) -> ConnectionRefusedByServerError:
        what = f"{self._origin} refused the connection"
        return ConnectionRefusedByServerError(what, status=status, reason=reason)
