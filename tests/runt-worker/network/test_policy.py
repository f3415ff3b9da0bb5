"""What is granted, and what is not, whatever a name resolves to."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_worker import GrantError, NetworkGrants
from runt_worker._network._hosts import Host
from runt_worker._network._policy import (
    RefusedError,
    check_addresses,
    check_host,
    is_public,
)

PUBLIC = "93.184.215.14"

SPECIAL = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # metadata of one cloud
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # of another
    "169.254.169.254",  # of most
    "172.16.0.1",
    "192.0.0.192",  # of one more
    "192.168.1.5",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",  # IPv4-translated
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::7f00:1",  # NAT64 of a network's own
    "2001:0:7f00:1::",  # Teredo
    "2002:7f00:1::",  # 6to4
    "2002:a00:1::1",
    "2001:db8::1",
    "100::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata
    "fd20:ce::254",  # metadata
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


def grants(*texts: str) -> NetworkGrants:
    return NetworkGrants.parse(*texts)


def refusal(given: NetworkGrants, name: str, port: int, *addresses: str) -> str:
    """Return why a request is refused; "" if it is not."""
    host = Host.parse(name)
    try:
        check_host(given, host, port)
        check_addresses(given, host, port, map(ip_address, addresses))
    except RefusedError as error:
        return error.reason
    return ""


def in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize("address", SPECIAL)
def test_a_special_address_is_reached_by_its_name_only(address: str) -> None:
    assert not is_public(ip_address(address))
    url = in_url(address)
    assert refusal(grants("*"), url, 80) != ""
    assert refusal(grants("*"), "a.example", 80, address) != ""
    assert refusal(grants("a.example"), "a.example", 80, address) != ""
    assert refusal(grants(address), url, 80, address) == ""
    assert refusal(grants(f"{url}:8080"), url, 8080, address) == ""
    assert refusal(grants(f"{url}:8080"), url, 80, address) != ""
    # A name that leads there needs both.
    assert refusal(grants("a.example", address), "a.example", 80, address) == ""
    assert refusal(grants(address), "a.example", 80, address) != ""


@given(st.ip_addresses())
def test_everything_grants_what_is_public_and_nothing_else(
    address: IPv4Address | IPv6Address,
) -> None:
    reason = refusal(grants("*"), in_url(str(address)), 80)
    assert (reason == "") == is_public(address)
    if address.is_private or address.is_loopback or address.is_multicast:
        assert reason != ""


@given(st.ip_addresses(v=4))
def test_an_address_within_another_counts_as_itself(address: IPv4Address) -> None:
    for network in ("::ffff:0:0", "64:ff9b::"):
        within = IPv6Address(int(IPv6Address(network)) + int(address))
        assert is_public(within) == is_public(address)
    six_to_four = IPv6Address((0x2002 << 112) + (int(address) << 80))
    assert is_public(six_to_four) == is_public(address)


@given(
    st.lists(st.ip_addresses(), min_size=1, max_size=5),
    st.sampled_from(["*", "a.example", "*.example"]),
)
def test_one_bad_address_spoils_all(
    addresses: list[IPv4Address | IPv6Address], grant: str
) -> None:
    name = "a.example"
    reason = refusal(grants(grant), name, 80, *map(str, addresses))
    assert (reason == "") == all(is_public(it) for it in addresses)


def test_nothing_is_granted_unless_somebody_does() -> None:
    nothing = NetworkGrants()
    assert not nothing
    assert refusal(nothing, "example.com", 443, PUBLIC) == (
        "Requires net access to example.com: run again with --allow-net example.com"
    )
    assert refusal(nothing, "example.com", 8443).endswith(
        "--allow-net example.com:8443"
    )
    assert refusal(nothing, "[::1]", 80).endswith("--allow-net ::1")
    assert refusal(nothing, "[::1]", 8000).endswith("--allow-net [::1]:8000")


def test_a_grant_is_for_its_host_and_port() -> None:
    one = grants("example.com")
    assert refusal(one, "EXAMPLE.com.", 443, PUBLIC) == ""
    assert refusal(one, "example.com", 8080, PUBLIC) == ""
    assert refusal(one, "www.example.com", 443, PUBLIC) != ""
    assert refusal(one, "notexample.com", 443, PUBLIC) != ""
    assert refusal(one, PUBLIC, 443) != ""
    assert refusal(grants("example.com:443"), "example.com", 443, PUBLIC) == ""
    assert refusal(grants("example.com:443"), "example.com", 80, PUBLIC) != ""
    below = grants("*.example.com")
    assert refusal(below, "a.b.example.com", 80, PUBLIC) == ""
    assert refusal(below, "example.com", 80, PUBLIC) != ""
    assert refusal(below, "notexample.com", 80, PUBLIC) != ""
    assert refusal(grants("bücher.example"), "xn--bcher-kva.example", 80, PUBLIC) == ""


def test_a_private_address_behind_a_granted_name_is_named_in_the_refusal() -> None:
    reason = refusal(grants("intern.example"), "intern.example", 8080, "192.168.1.5")
    assert reason == (
        "Requires net access to intern.example at 192.168.1.5, which is not public and "
        "has to be named: run again with --allow-net 192.168.1.5:8080"
    )


def test_localhost_is_this_machine_for_whoever_names_it() -> None:
    for address in ("127.0.0.1", "::1"):
        assert refusal(grants("localhost:8000"), "localhost", 8000, address) == ""
        assert refusal(grants("localhost:8000"), "localhost", 8001, address) != ""
        assert refusal(grants("*"), "localhost", 8000, address) == (
            "Requires net access to localhost:8000: run again with "
            "--allow-net localhost:8000"
        )
        assert refusal(grants("*.localhost"), "a.localhost", 80, address) != ""
    # Somebody's resolver says that it is elsewhere.
    assert refusal(grants("localhost"), "localhost", 80, "192.168.1.5") != ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.com",
        "example.com/path",
        "example.com:0",
        "example.com:65536",
        "example.com:http",
        "127.1",
        "0x7f000001",
        "[::1",
        "::1::",
        "*.*.example.com",
        "*example.com",
        "*.127.0.0.1",
        "a b",
        "print(1)",
        "user@example.com",
    ],
)
def test_what_is_no_host_cannot_be_granted(text: str) -> None:
    with pytest.raises(GrantError):
        NetworkGrants.parse(text)


@given(st.text(max_size=40))
def test_any_text_is_a_grant_or_refused(text: str) -> None:
    with suppress(GrantError):
        assert NetworkGrants.parse(text)
