"""Sockets, which the sandbox does not have, say what there is instead.

In Pyodide one can be made, names get addresses that do not exist, and a connection
fails without a word.
"""

import errno
import functools
import ipaddress
import socket
from collections.abc import Callable
from typing import Any, NoReturn

_LOCAL = {None, "", "localhost"}


def install() -> None:
    """Replace what would connect or look up a name."""
    socket.socket.connect = _no_connection
    socket.socket.sendto = _no_datagram
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        function = getattr(socket, name)
        # A cell of an image that is not restored may come here twice.
        if not hasattr(function, "__wrapped__"):
            setattr(socket, name, _without_names(function))


def _no_connection(_self: socket.socket, address: Any, /) -> NoReturn:
    raise OSError(errno.EHOSTUNREACH, _text(_host(address)))


def _no_datagram(_self: socket.socket, _data: object, *rest: Any) -> NoReturn:
    raise OSError(errno.EHOSTUNREACH, _text(_host(rest[-1] if rest else None)))


def _without_names(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        if host in _LOCAL or _is_address(host):
            return function(host, *args, **options)
        raise socket.gaierror(socket.EAI_FAIL, _text(str(host)))

    return look_up


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(host if isinstance(host, str) else host.decode())
    except (ValueError, AttributeError):
        return False
    return True


def _host(address: Any) -> str:
    return str(address[0]) if isinstance(address, tuple) and address else "HOST"


def _text(host: str) -> str:
    return (
        "there are no sockets in the sandbox, only HTTP requests: urllib, requests and "
        f"fetch reach {host} with --allow-net {host}"
    )
