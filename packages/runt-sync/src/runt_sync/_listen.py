"""The listening socket of a server, bound before anything else starts."""

import errno
import os
import socket
import sys

import trio

from ._errors import BindError

_HINTS = {
    errno.EADDRINUSE: "the port is in use; stop the other program or choose another",
    errno.EACCES: "the port needs privileges; choose one from 1024 up",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only told apart
_BACKLOG = 128


async def open_listener(host: str, port: int, *, silence_s: int) -> trio.SocketListener:
    """Listen on one address.

    Args:
        host: A name or an address; of a name with several, the first one.
        port: The port, 0 for any free one.
        silence_s: Seconds without a byte after which TCP probes an accepted peer.

    Raises:
        BindError: The name has no address, or the address cannot be listened on.
    """
    try:
        family, kind, protocol, _, address = (
            await trio.socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
        )[0]
    except OSError as error:  # gaierror included
        raise BindError(host, port, error.strerror or str(error)) from None
    listening = trio.socket.socket(family, kind, protocol)
    try:
        # Else a server could not come back for a minute after its clients have left.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit these. macOS has no TCP_KEEPIDLE, but a default.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if sys.platform == "linux":
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, silence_s)
        await listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        code = error.errno or 0
        reason = _HINTS.get(code) or os.strerror(code)
        raise BindError(host, port, reason) from None
    return trio.SocketListener(listening)


def connect_address(listener: trio.SocketListener) -> str:
    """Return `host:port` as clients on this machine reach a listener."""
    name: tuple[str, int] = listener.socket.getsockname()[:2]
    host, port = _WILDCARDS.get(name[0], name[0]), name[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
