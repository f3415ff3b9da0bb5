"""Grants: which hosts user code may reach."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Self

from runt_worker._errors import GrantError

from ._hosts import Host, HostError, IpAddress

_ALL = "*"
_WILDCARD = "*."
_HOST_AND_PORT = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::([0-9]+))?")
_MAX_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class NetworkGrant:
    """One host that may be reached. Made by `NetworkGrant.parse` only.

    Attributes:
        host: the host.
        port: the only port; None: every port.
        is_wildcard: whether the names below it are meant, and not the host itself.
    """

    host: Host
    port: int | None = None
    is_wildcard: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``HOST``, ``HOST:PORT`` or ``*.HOST``.

        Raises:
            GrantError: it names no host.
        """
        if "/" in text:
            raise GrantError(
                f"{text!r} is no host: leave away what stands before and behind its "
                "name, as in example.com or example.com:8080"
            )
        if text.count(":") > 1 and not text.startswith("["):
            text = f"[{text}]"
        found = _HOST_AND_PORT.fullmatch(text)
        if found is None:
            raise GrantError(f"{text!r} is neither a host nor a host with a port")
        name, port = found[1], None if found[2] is None else int(found[2])
        if port is not None and not 0 < port <= _MAX_PORT:
            raise GrantError(f"{text!r}: ports are numbers from 1 to {_MAX_PORT}")
        is_wildcard = name.startswith(_WILDCARD)
        try:
            host = Host.parse(name.removeprefix(_WILDCARD))
        except HostError as error:
            raise GrantError(str(error)) from None
        if is_wildcard and host.address is not None:
            raise GrantError(f"{text!r}: an address has no names below it")
        return cls(host=host, port=port, is_wildcard=is_wildcard)

    def covers(self, host: Host, port: int) -> bool:
        """Whether it allows a host at a port."""
        if self.port not in {None, port}:
            return False
        if self.is_wildcard:
            return host.text.endswith(f".{self.host.text}")
        return host == self.host

    def names(self, address: IpAddress, port: int) -> bool:
        """Whether it names an address, and not only a name that leads there."""
        return self.host.address == address and self.port in {None, port}


@dataclass(frozen=True, kw_only=True)
class NetworkGrants:
    """What user code may reach; without an argument nothing.

    Attributes:
        everything: whether every public host is allowed. Private addresses and this
            machine have to be named nevertheless.
        hosts: the hosts that are named.
    """

    everything: bool = False
    hosts: tuple[NetworkGrant, ...] = ()

    @classmethod
    def parse(cls, *texts: str) -> Self:
        """Read grants as `NetworkGrant.parse` does; ``*`` stands for every public host.

        Raises:
            GrantError: one of them names no host.
        """
        return cls(
            everything=_ALL in texts,
            hosts=tuple(NetworkGrant.parse(it) for it in texts if it != _ALL),
        )

    def __bool__(self) -> bool:
        """Whether anything is granted."""
        return self.everything or bool(self.hosts)


def grant_text(host: Host, port: int | None = None) -> str:
    """Return the words that grant a host, as `NetworkGrant.parse` reads them."""
    if port is not None:
        return f"{host}:{port}"
    return host.text if isinstance(host.address, IPv6Address) else str(host)
