"""The guest's calls for the network, and the task that answers them.

A call comes in the thread of calls and never waits for the network, but for a moment
where the guest wants that; requests are made in trio, where they can be cancelled.
Whoever awaits an answer in the guest is woken by a message.
"""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from runt_worker._calls import Answer, Call, Handler, parse_parameters
from runt_worker._limits import Limits, size_text

from ._exchange import Exchange, Failure
from ._grants import NetworkGrants
from ._messages import HttpBody, HttpClose, HttpReceive, HttpRequest
from ._policy import RefusedError, check_host
from ._url import HttpUrl, UrlError

if TYPE_CHECKING:
    from ._connecting import Resolve
    from ._transfer import Transfers

_WAIT_S = 0.05
"""So long one call waits for an answer, which bounds the latency of an interrupt."""

_MAX_EXCHANGES = 256
"""Open at once. What waits of each is bounded, and so is this together."""

SendNews = Callable[[list[int]], Awaitable[None]]


class NetworkCalls:
    """Answers one sandbox process. Made in trio.

    Args:
        grants: what it may reach.
        limits: how much and how long.
        resolve: for tests: what looks names up.
        ssl_context: for tests: whose certificates are believed.

    Attributes:
        cell: the number of the supervisor's request that runs, to which exchanges
            that begin belong.
    """

    def __init__(
        self,
        grants: NetworkGrants,
        limits: Limits,
        resolve: "Resolve | None" = None,
        ssl_context: Any = None,
    ) -> None:
        self.cell = 0
        self._grants = grants
        self._limits = limits
        self._resolve = resolve
        self._ssl_context = ssl_context
        self._numbers = itertools.count(1)
        self._exchanges: dict[int, Exchange] = {}
        self._under_way = 0
        self._lock = Lock()  # of these two
        self._transfers: Transfers | None = None
        self._trio = trio.lowlevel.current_trio_token()
        self._nursery: trio.Nursery | None = None
        self._news: list[int] = []
        self._has_news = trio.Event()

    # -- in trio

    async def serve(self, send_news: SendNews) -> None:
        """Make requests until this is cancelled.

        Args:
            send_news: tells the guest which exchanges have something for it.
        """
        try:
            async with trio.open_nursery() as self._nursery:
                while True:
                    await self._has_news.wait()
                    self._has_news = trio.Event()
                    news, self._news = self._news, []
                    await send_news(news)
        finally:
            self._nursery = None

    def interrupt(self, cell: int) -> None:
        """End what began during a request of the supervisor's."""
        with self._lock:
            exchanges = list(self._exchanges.values())
        for exchange in exchanges:
            if exchange.cell == cell:
                exchange.scope.cancel()
                failure = Failure(reason="the request was interrupted", kind="ended")
                exchange.end(failure)

    def _start(self, exchange: Exchange) -> None:
        if self._nursery is None:
            exchange.end(Failure(reason="the worker was stopped", kind="ended"))
        else:
            self._nursery.start_soon(self._transfer, exchange)

    async def _transfer(self, exchange: Exchange) -> None:
        try:
            if self._transfers is not None:
                await self._transfers.transfer(exchange)
        finally:
            with self._lock:
                self._under_way -= 1

    def _tell(self, number: int) -> None:
        self._news.append(number)
        self._has_news.set()

    # -- in the thread of calls

    def handlers(self) -> Mapping[str, Handler]:
        """Return what answers each method."""
        return {
            "http_request": _handler(HttpRequest, self._request),
            "http_body": self._take_body,
            "http_receive": _handler(HttpReceive, self._receive),
            "http_close": _handler(HttpClose, self._close),
        }

    def _request(self, request: HttpRequest) -> Answer:
        try:
            url = HttpUrl.parse(request.url)
            check_host(self._grants, url.host, url.port)
        except UrlError as error:
            return _failed(str(error), "invalid")
        except RefusedError as error:
            return _failed(error.reason, "refused")
        # What was closed counts until it has ended: else a guest that opens and closes
        # would fill the queue of trio's work.
        if max(len(self._exchanges), self._under_way) >= _MAX_EXCHANGES:
            return _failed(f"more than {_MAX_EXCHANGES} requests are open")
        self._ensure_transfers()
        exchange = Exchange(
            number=next(self._numbers),
            cell=self.cell,
            request=request,
            url=url,
            tell=self._tell,
            takes_body=request.has_body,
        )
        with self._lock:
            self._exchanges[exchange.number] = exchange
        if not request.has_body:
            self._schedule(exchange)
        return Answer({"exchange": exchange.number})

    def _ensure_transfers(self) -> None:
        if self._transfers is not None:
            return
        # Late: they take 0.2 s to import, and most sessions need none of it.
        from ._connecting import CheckedNetwork, Resolver  # noqa: PLC0415
        from ._transfer import Transfers  # noqa: PLC0415

        network = CheckedNetwork(self._grants, self._resolve or Resolver())
        self._transfers = Transfers(
            self._grants, network, self._limits, self._ssl_context
        )

    def _take_body(self, call: Call) -> Answer:
        try:
            parameters = parse_parameters(call, HttpBody)
        except msgspec.ValidationError as error:
            return _failed(str(error), "invalid")
        exchange = self._exchanges.get(parameters.exchange)
        if exchange is None or not exchange.takes_body:
            return _failed("there is no such request", "invalid")
        held = sum(it.body_bytes for it in self._exchanges.values())
        if held + len(call.tail) > self._limits.max_upload_bytes:
            most = size_text(self._limits.max_upload_bytes)
            self._forget(exchange)
            return _failed(f"requests under way have bodies of more than {most}")
        exchange.body += call.tail
        exchange.body_bytes = len(exchange.body)
        if parameters.is_last:
            exchange.takes_body = False
            self._schedule(exchange)
        return Answer({})

    def _schedule(self, exchange: Exchange) -> None:
        with self._lock:
            self._under_way += 1
        self._in_trio(self._start, exchange)

    def _receive(self, parameters: HttpReceive) -> Answer:
        exchange = self._exchanges.get(parameters.exchange)
        if exchange is None:
            return _failed("there is no such request", "invalid")
        received = exchange.take(_WAIT_S if parameters.waits else 0)
        if received.data:
            self._in_trio(exchange.make_room)
        if "ended" in received.answer:
            self._forget(exchange)
        return Answer(received.answer, received.data)

    def _close(self, parameters: HttpClose) -> Answer:
        exchange = self._exchanges.get(parameters.exchange)
        if exchange is not None:
            self._forget(exchange)
        return Answer({})

    def _forget(self, exchange: Exchange) -> None:
        with self._lock:
            del self._exchanges[exchange.number]
        self._in_trio(exchange.scope.cancel)

    def _in_trio(self, function: Callable[..., object], *arguments: Any) -> None:
        with suppress(trio.RunFinishedError):
            self._trio.run_sync_soon(function, *arguments)


def _handler(kind: type[Any], answer: Callable[[Any], Answer]) -> Handler:
    def handle(call: Call) -> Answer:
        try:
            parameters = parse_parameters(call, kind)
        except msgspec.ValidationError as error:
            return _failed(str(error), "invalid")
        return answer(parameters)

    return handle


def _failed(reason: str, kind: str = "failed") -> Answer:
    return Answer(Failure(reason=reason, kind=kind).as_answer())
