"""What `websockets` is to `_connection.py`: the client's end of a connection."""

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any

import trio
from websockets.exceptions import ConnectionClosedError

from ._link import Link
from ._network import Network
from ._pipe import BrokenPipeInSimulation


class ClientSocket:
    """What `_connection.py` uses of a `websockets` connection.

    Args:
        network: The network.
        link: The connection.
    """

    def __init__(self, network: Network, link: Link) -> None:
        self._network = network
        self._link = link

    async def recv(self, *, decode: bool) -> str:
        """Wait for a frame."""
        assert decode
        try:
            text = await self._link.down.receive()
        except BrokenPipeInSimulation:
            raise ConnectionClosedError(None, None) from None
        if text is None:
            raise ConnectionClosedError(self._link.close, None)
        return text

    async def send(self, text: str) -> None:
        """Send a frame; wait while the window is full."""
        if not self._link.machine.is_alive:
            await trio.sleep_forever()
        try:
            await self._link.up.send(text)
        except BrokenPipeInSimulation:
            raise ConnectionClosedError(None, None) from None
        self._network.find_out(self._link)


class Dialing(AbstractAsyncContextManager[ClientSocket]):
    """One attempt to connect, and the connection if there will be one."""

    def __init__(
        self,
        network: Network,
        url: str,
        *,
        open_timeout: float,
        close_timeout: float,
        **_: Any,
    ) -> None:
        self._network = network
        self._url = url
        self._open_timeout = open_timeout
        self._close_timeout = close_timeout

    async def __aenter__(self) -> ClientSocket:
        """Connect."""
        with trio.move_on_after(self._open_timeout):
            self._link = await self._network.dial(self._url)
            return ClientSocket(self._network, self._link)
        raise TimeoutError("timed out during opening handshake")

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Say goodbye; wait a moment for the answer."""
        self._link.is_left = True
        self._link.up.finish()
        with trio.move_on_after(self._close_timeout):
            try:
                while await self._link.down.receive() is not None:
                    pass
            except BrokenPipeInSimulation:
                pass
        self._link.down.refuse()
