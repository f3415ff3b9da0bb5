"""Where redirections lead, and what goes along."""

import pytest
from network_rig import Site, connected


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:$other/",
        "http://localhost:$other/",
        "http://[::1]:$other/",
        "http://0.0.0.0:$other/",
        "http://[::ffff:127.0.0.1]:$other/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433:$other/",
        "http://127.1:$other/",
        "http://a@127.0.0.1:$other/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:$other/",
    ],
)
async def test_a_redirection_does_not_lead_out_of_the_grants(
    site: Site, other_site: Site, target: str
) -> None:
    target = target.replace("$other", str(other_site.port))
    async with connected(f"127.0.0.1:{site.port}", "*") as client:
        got = await client.get(f"{site.url}/redirect?to={target}")
    assert got.kind in {"refused", "failed"}
    assert got.head == {}
    assert other_site.requests == []


async def test_secrets_stay_with_their_origin(site: Site) -> None:
    secrets = [("Authorization", "Bearer x"), ("Cookie", "a=b"), ("X-Other", "c")]
    grants = [f"127.0.0.1:{site.port}", f"localhost:{site.port}"]
    async with connected(*grants) as client:
        same = f"{site.url}/redirect?to=/echo"
        await client.get(same, headers=secrets)
        assert {"authorization", "cookie", "x-other"} <= site.requests[-1][2].keys()
        elsewhere = f"{site.url}/redirect?to=http://localhost:{site.port}/echo"
        await client.get(elsewhere, headers=secrets)
        assert site.requests[-1][1] == "/echo"
        assert not {"authorization", "cookie"} & site.requests[-1][2].keys()
        assert "x-other" in site.requests[-1][2]


async def test_redirections_end(site: Site) -> None:
    async with connected(f"127.0.0.1:{site.port}") as client:
        got = await client.get(f"{site.url}/circle")
        assert got.error == "more than 20 redirections"
        manual = await client.get(f"{site.url}/circle", redirect="manual")
        assert manual.head["status"] == 302
        none = await client.get(f"{site.url}/circle", redirect="error")
        assert "redirects" in none.error
