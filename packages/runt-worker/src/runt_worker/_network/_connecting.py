"""Connections for requests: a name is looked up here, once, and only here.

What was checked is what is connected to. TLS and the Host header still speak of the
name, so the certificate has to be the name's.
"""

import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import cast

import httpcore
import trio
from httpcore import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream

from ._grants import NetworkGrants
from ._hosts import Host, IpAddress
from ._policy import (
    RefusedError,
    address_text,
    check_addresses,
    is_address_named,
    is_public,
)

Resolve = Callable[[str, int], Awaitable[list[IpAddress]]]
"""Returns the addresses of a name; the port only helps to find them."""

_MAX_LOOKUPS = 8
"""At a time. Each holds a thread until it ends, whoever has given it up meanwhile."""

_MAX_ADDRESSES = 8
"""Of a host, tried one after the other."""


class Resolver:
    """Asks the operating system, with threads of its own."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(_MAX_LOOKUPS)

    async def __call__(self, name: str, port: int) -> list[IpAddress]:
        """Return the addresses of a name, in the order of preference.

        Raises:
            OSError: it has none.
        """
        found = await trio.to_thread.run_sync(
            _look_up, name, port, limiter=self._limiter, abandon_on_cancel=True
        )
        # A link-local address comes with the interface, by which none is public.
        texts = [str(it[4][0]).partition("%")[0] for it in found]
        return [ip_address(text) for text in dict.fromkeys(texts)]


def _look_up(name: str, port: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [(*it[:4], (str(it[4][0]), port)) for it in found]


class CheckedNetwork(AsyncNetworkBackend):
    """Connects to what the grants allow, and to nothing else.

    Args:
        grants: what is allowed.
        resolve: looks names up.
        network: makes the connection to an address.
    """

    def __init__(
        self,
        grants: NetworkGrants,
        resolve: Resolve,
        network: AsyncNetworkBackend | None = None,
    ) -> None:
        self._grants = grants
        self._resolve = resolve
        # Its own declaration allows for a missing trio.
        default = cast("AsyncNetworkBackend", httpcore.TrioBackend())
        self._network = network or default

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to a host at one of its addresses.

        Raises:
            RefusedError: the grants do not allow one of them.
            httpcore.ConnectError: it has none, or none that answers.
        """
        del local_address, socket_options  # of the pool, which has none
        addresses = await self._addresses(Host.parse(host), port)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:_MAX_ADDRESSES]:
            try:
                return await self._network.connect_tcp(str(address), port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: Host, port: int) -> list[IpAddress]:
        if host.address is not None:
            addresses = [host.address]
        else:
            try:
                addresses = await self._resolve(host.text, port)
            except OSError as error:
                reason = f"{host} cannot be looked up: {error.strerror}"
                raise httpcore.ConnectError(reason) from error
        check_addresses(self._grants, host, port, addresses)
        for address in addresses:
            if (
                is_public(address)
                and not is_address_named(self._grants, address, port)
                and is_of_this_machine(address)
            ):
                reason = "which is this machine itself"
                raise RefusedError(address_text(host, port, address, reason))
        return addresses


def is_of_this_machine(address: IpAddress) -> bool:
    """Whether packets to an address would not leave this machine; none is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 (IP's)
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        # Whoever sends to itself does so from that very address.
        probe.connect((str(address), 9))
        return ip_address(probe.getsockname()[0].partition("%")[0]) == address
    return False
