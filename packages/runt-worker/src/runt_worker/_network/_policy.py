"""The policy: may this host be reached, and at this address?

Pure functions. A name must be granted before it is even looked up; each address that it
has must be public, or be named itself. So neither a name that leads to this machine or
its neighbours, nor one that changes its mind, reaches them.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from ._grants import NetworkGrants, grant_text
from ._hosts import Host, IpAddress

_LOCALHOST = Host.parse("localhost")

_NOT_PUBLIC = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments, one cloud's metadata in it
    IPv4Network("168.63.129.16/32"),  # another cloud's, in the midst of public ones
)
"""What older versions of `ipaddress`, or all of them, take for public."""

_USUAL_PORTS = (80, 443)
"""Of http and https: a refusal need not mention them."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
"""Behind it stands the IPv4 address in the last four bytes. RFC 6052."""


class RefusedError(Exception):
    """The policy's no.

    Attributes:
        reason: one sentence for the cell, which names the flag that would change it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_host(grants: NetworkGrants, host: Host, port: int) -> None:
    """Let pass what is granted, as far as that can be told without its addresses.

    Raises:
        RefusedError: it is not.
    """
    if host.address is not None:
        check_addresses(grants, host, port, [host.address])
    elif not (grants.everything or _is_named(grants, host, port)):
        raise RefusedError(_requires(host, port))


def check_addresses(
    grants: NetworkGrants, host: Host, port: int, addresses: Iterable[IpAddress]
) -> None:
    """Let pass a granted host if every address that it has may be connected to.

    Raises:
        RefusedError: one may not.
    """
    for address in addresses:
        _check_address(grants, host, port, address)


def _check_address(
    grants: NetworkGrants, host: Host, port: int, address: IpAddress
) -> None:
    if is_address_named(grants, address, port):
        return
    if is_public(address):
        if host.address is None or grants.everything:
            return
    elif host == _LOCALHOST and address.is_loopback:
        # Whoever says localhost means it.
        if _is_named(grants, host, port):
            return
    elif host.address is None:
        raise RefusedError(address_text(host, port, address, "which is not public"))
    raise RefusedError(_requires(host, port))


def is_address_named(grants: NetworkGrants, address: IpAddress, port: int) -> bool:
    """Whether a grant names an address, and not only a name that leads there."""
    return any(it.names(address, port) for it in grants.hosts)


def is_public(address: IpAddress) -> bool:
    """Whether an address is anybody's on the internet, and nothing special."""
    if isinstance(address, IPv4Address):
        return (
            address.is_global
            and not (address.is_multicast or address.is_reserved)
            and not any(address in network for network in _NOT_PUBLIC)
        )
    embedded = _embedded(address)
    if embedded is not None:
        return is_public(embedded)
    return (
        address in _GLOBAL_UNICAST
        and address.is_global
        and not (address.is_multicast or address.is_reserved)
    )


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address where packets for this one end up."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    # Teredo's range is not public as a whole.
    return address.ipv4_mapped or address.sixtofour


def _is_named(grants: NetworkGrants, host: Host, port: int) -> bool:
    return any(it.covers(host, port) for it in grants.hosts)


def _requires(host: Host, port: int) -> str:
    shown = str(host) if port in _USUAL_PORTS else f"{host}:{port}"
    return f"Requires net access to {shown}: run again with {_flag(host, port)}"


def address_text(host: Host, port: int, address: IpAddress, reason: str) -> str:
    """Say that an address of a host has to be named, and why."""
    flag = _flag(Host.of_address(address), port)
    return (
        f"Requires net access to {host} at {address}, {reason} and has to be named: "
        f"run again with {flag}"
    )


def _flag(host: Host, port: int) -> str:
    return f"--allow-net {grant_text(host, None if port in _USUAL_PORTS else port)}"
