import pytest

from runt_agent import ConfigError, Service, http_origin
from runt_agent._service import readable_reason


@pytest.mark.parametrize(
    ("sync_url", "origin"),
    [
        ("wss://app.runt.run/livestore", "https://app.runt.run"),
        ("ws://127.0.0.1:8787/livestore/", "http://127.0.0.1:8787"),
        ("ws://[::1]:8787/livestore", "http://[::1]:8787"),
        ("wss://Example.ORG", "https://example.org"),
    ],
)
def test_the_http_side_has_the_origin_of_the_sync_url(
    sync_url: str, origin: str
) -> None:
    assert http_origin(sync_url) == origin


@pytest.mark.parametrize(
    "sync_url",
    [
        "",
        "https://app.runt.run/livestore",
        "wss://",
        "wss://user:secret@host/livestore",
        "wss://host/livestore?token=secret",
        "wss://host/livestore#part",
        "ws://host:port/livestore",
        "ws://[::1/livestore",
    ],
)
def test_other_urls_are_refused_without_being_quoted(sync_url: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        http_origin(sync_url)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("sync_url", "is_near"),
    [
        ("ws://127.0.0.1:8787/livestore", True),
        ("ws://127.9.9.9/livestore", True),
        ("ws://[::1]:8787/livestore", True),
        ("ws://localhost:8787/livestore", True),
        ("ws://192.168.0.7/livestore", False),
        ("wss://app.runt.run/livestore", False),
        ("wss://localhost.example.org/livestore", False),
    ],
)
def test_only_loopback_is_this_machine(sync_url: str, is_near: bool) -> None:  # noqa: FBT001 - a case
    service = Service(sync_url=sync_url, auth_token="t")

    assert service.is_on_this_machine == is_near


@pytest.mark.parametrize("token", ["", " ", "to ken", "token\n", "tök", "a\0b"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(ConfigError, match="auth token") as refusal:
        Service(sync_url="ws://host/livestore", auth_token=token)

    assert not token.strip() or token not in str(refusal.value)


def test_the_token_is_not_shown() -> None:
    service = Service(sync_url="ws://host/livestore", auth_token="hidden")

    assert "hidden" not in repr(service)
    assert service.authorization() == {"Authorization": "Bearer hidden"}


def test_a_refusals_body_becomes_one_short_line_without_the_token() -> None:
    body = "no such token:\n\x1b[31mhidden\x1b[0m " + "x" * 1000

    reason = readable_reason(body, secret="hidden")

    assert reason.startswith("no such token: [31m*** [0m xxx")
    assert len(reason) == 500


def test_a_page_of_html_is_no_reason() -> None:
    assert readable_reason("\n<!doctype html><title>Oops</title>") == ""
