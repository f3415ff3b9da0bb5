"""Hosts, as URLs and grants name them: one spelling for each."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_NAME = 253
_MAX_CHARACTERS = 1000
"""Of what a name is made from; no name is longer in any script."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label that C libraries would take for (a part of) an IPv4 address.

Source: WHATWG URL, «ends in a number checker».
"""


class HostError(ValueError):
    """A text names no host; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host. Made by its parsers only.

    Attributes:
        text: its name in lower case and ASCII without a dot at the end, or its address
            in the usual form, IPv6 without brackets.
        address: the address, if it is one.
    """

    text: str
    address: IpAddress | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a host as it stands in a URL: IPv6 addresses in brackets.

        Spellings of IPv4 addresses that only some programs understand (``127.1``,
        ``0x7f.0.0.1``, ``2130706433``) name nothing here.

        Raises:
            HostError: it names no host.
        """
        if len(text) > _MAX_CHARACTERS:
            raise HostError("a name of that length belongs to no host")
        if text.startswith("[") and text.endswith("]"):
            return cls.of_address(_ipv6(text[1:-1]))
        name = _to_ascii(text).removesuffix(".")
        labels = name.split(".")
        if _NUMBER.fullmatch(labels[-1]):
            return cls.of_address(_ipv4(name))
        if len(name) > _MAX_NAME or not all(_LABEL.fullmatch(it) for it in labels):
            raise HostError(f"{text!r} is no name of a host")
        return cls(text=name)

    @classmethod
    def of_address(cls, address: IpAddress) -> Self:
        """Return the host that an address is."""
        return cls(text=str(address), address=address)

    def __str__(self) -> str:
        """Return it as it stands in a URL."""
        is_ipv6 = isinstance(self.address, ipaddress.IPv6Address)
        return f"[{self.text}]" if is_ipv6 else self.text


def _to_ascii(text: str) -> str:
    if text.isascii():
        return text.lower()
    import idna  # noqa: PLC0415 - large tables, and few names need them

    try:
        # Also turns full-width digits and dots into what they look like.
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise HostError(f"{text!r} is no name of a host") from None


def _ipv4(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise HostError(
            f"{text!r} is no address: write it as four decimal numbers, 192.0.2.1"
        ) from None


def _ipv6(text: str) -> ipaddress.IPv6Address:
    # A zone (%eth0) names an interface of this machine: nobody else's business.
    try:
        if "%" not in text:
            return ipaddress.IPv6Address(text)
    except ValueError:
        pass
    raise HostError(f"'[{text}]' is no IPv6 address")
