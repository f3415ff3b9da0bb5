"""Names, their addresses and their certificates."""

import socket
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from network_rig import LyingResolver, Site, connected

from runt_worker._network._connecting import Resolver, is_of_this_machine
from runt_worker._network._hosts import IpAddress

DATA = Path(__file__).parent / "data"


async def test_a_name_is_looked_up_once_and_its_address_is_connected_to(
    site: Site,
) -> None:
    resolve = LyingResolver("127.0.0.1", "10.0.0.1")
    grants = ["lying.example", f"127.0.0.1:{site.port}"]
    async with connected(*grants, resolve=resolve) as client:
        url = f"http://lying.example:{site.port}/status?code=200"
        got = await client.get(url)
        assert got.head["status"] == 200
        assert resolve.asked == {"lying.example": 1}
        assert site.requests[-1][2]["host"] == f"lying.example:{site.port}"


async def test_a_name_that_changes_its_mind_is_refused_from_then_on(
    site: Site, other_site: Site
) -> None:
    resolve = LyingResolver("127.0.0.1", "127.0.0.1")
    # Of the two servers at that address one is named.
    grants = ["lying.example", f"127.0.0.1:{site.port}"]
    async with connected(*grants, resolve=resolve) as client:
        assert (await client.get(f"http://lying.example:{site.port}/")).head
        got = await client.get(f"http://lying.example:{other_site.port}/")
        assert got.kind == "refused"
        assert "lying.example at 127.0.0.1, which is not public" in got.error
    assert other_site.requests == []


async def test_the_system_is_asked_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = socket.getaddrinfo, list[str]()

    def lie(host: str, port: int, *args: Any, **options: Any) -> Any:
        asked.append(host)
        address = "127.0.0.1" if asked.count("lying.example") == 1 else "127.0.0.9"
        name = address if host == "lying.example" else host
        return real(name, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lie)
    async with connected("lying.example", f"127.0.0.1:{site.port}") as client:
        got = await client.get(f"http://lying.example:{site.port}/")
    assert got.head["status"] == 200
    assert asked.count("lying.example") == 1


async def test_the_real_resolver_knows_this_machine() -> None:
    addresses = await Resolver()("localhost", 80)
    assert addresses
    assert all(it.is_loopback for it in addresses)


async def test_a_name_that_nobody_has_is_an_error() -> None:
    async def resolve(_name: str, _port: int) -> list[IpAddress]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with connected("*", resolve=resolve) as client:
        got = await client.get("http://nobody.example/")
    assert "nobody.example cannot be looked up: Name or service" in got.error


async def test_every_public_host_is_granted_but_nothing_behind_their_names(
    other_site: Site,
) -> None:
    async def resolve(_name: str, _port: int) -> list[IpAddress]:
        return [ip_address("93.184.215.14"), ip_address("127.0.0.1")]

    async with connected("*", resolve=resolve) as client:
        got = await client.get(f"http://both.example:{other_site.port}/")
        assert got.kind == "refused"
    assert other_site.requests == []


def test_this_machine_is_known_by_every_address_of_its_own() -> None:
    assert is_of_this_machine(ip_address("127.0.0.1"))
    assert not is_of_this_machine(ip_address("192.0.2.1"))


@pytest.mark.parametrize(
    ("name", "trusts", "says"),
    [
        ("secure.example", True, ""),
        ("other.example", True, "not valid for 'other.example'"),
        ("secure.example", False, "CERTIFICATE_VERIFY_FAILED"),
    ],
)
async def test_a_certificate_is_for_the_name_and_not_for_the_address(
    secure_site: Site, name: str, says: str, *, trusts: bool
) -> None:
    trusted = ssl.create_default_context(
        cafile=DATA / "authority.pem" if trusts else None
    )
    resolve = LyingResolver("127.0.0.1")
    port = secure_site.port
    grants = [name, f"127.0.0.1:{port}"]
    async with connected(*grants, resolve=resolve, ssl_context=trusted) as client:
        got = await client.get(f"https://{name}:{port}/")
    assert bool(got.head) == (says == "")
    assert says in got.error
