"""Hosts and URLs: one spelling for each, and none that means two things."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_worker._network._hosts import Host, HostError
from runt_worker._network._url import HttpUrl, UrlError

FULL_WIDTH = {ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}
"""Digits as Japanese keyboards write them."""


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("my_host", "my_host"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::0:1]", "[2001:db8::1]"),
        ("[::ffff:7f00:1]", "[::ffff:127.0.0.1]"),
        # Full-width digits, and a dot that only looks like one.
        ("127.0.0.1".translate(FULL_WIDTH), "127.0.0.1"),
        ("127。0。0。1", "127.0.0.1"),
    ],
)
def test_a_host_has_one_spelling(text: str, canonical: str) -> None:
    parsed = str(Host.parse(text))
    assert Host.parse(parsed) == Host.parse(text)
    assert Host.parse(parsed).address == Host.parse(canonical).address
    if not canonical.startswith("[::ffff"):  # which Python spells in two ways
        assert parsed == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        "-a.example",
        "a b",
        "a%2eb",
        "a/b",
        "a@b",
        "a\\b",
        "a\nb",
        "a\0b",
        "x" * 64,
        "x." * 200 + "x",
        "☃" * 2000,
        # Of C libraries, of browsers, of nobody: all of them mean this machine.
        "127.1",
        "127.0.1",
        "0",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.0x1",
        "1.2.3.4.5",
        "256.0.0.1",
        "1.2.3.999",
        "[127.0.0.1]",
        "[::1%lo]",
        "[fe80::1%25eth0]",
        "[::1",
        "::1",
    ],
)
def test_what_programs_read_in_different_ways_is_no_host(text: str) -> None:
    with pytest.raises(HostError):
        Host.parse(text)


@given(st.text(alphabet="0123456789abcdefx.X", min_size=1, max_size=20))
def test_no_name_is_an_address_to_the_operating_system(text: str) -> None:
    try:
        host = Host.parse(text)
    except HostError:
        return
    if host.address is None:
        with pytest.raises(OSError, match="illegal"):
            socket.inet_aton(host.text)


@given(st.text(max_size=40))
def test_any_text_is_a_host_or_refused(text: str) -> None:
    try:
        host = Host.parse(text)
    except HostError:
        return
    assert host.text.isascii()
    assert Host.parse(str(host)) == host


def test_a_url_is_taken_apart() -> None:
    url = HttpUrl.parse("HTTPS://Example.com.:8443/a/b?c=d&e#f")
    assert (url.scheme, str(url.host), url.port) == ("https", "example.com", 8443)
    assert url.target == "/a/b?c=d&e"
    assert str(url) == "https://example.com:8443/a/b?c=d&e"
    assert HttpUrl.parse("http://[::1]?x").target == "/?x"
    assert str(HttpUrl.parse("http://example.com:80")) == "http://example.com/"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "//example.com/",
        "http:example.com",
        "http:/example.com",
        "http:///x",
        "file:///etc/passwd",
        "ftp://example.com/",
        "ws://example.com/",
        "javascript://example.com/%0a",
        "http://user:secret@example.com/",
        "http://127.0.0.1\\@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com:80:80/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:999999/",
        "http://example.com:-1/",
        "http://example.com:80/".translate(FULL_WIDTH),
        "http://[::1]x/",
        "http://example.com/a b",
        "http://example.com/\r\nX-Evil: 1",
        "http://example.com/\x7f",
        "http://example.com/ü",
        "http://ex\tample.com/",
        " http://example.com/",
        "http://example.com/" + "x" * 100_000,
    ],
)
def test_what_is_no_plain_url_of_http_is_refused(text: str) -> None:
    with pytest.raises(UrlError):
        HttpUrl.parse(text)


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://a.example"]))
def test_any_text_is_a_url_or_refused(text: str, start: str) -> None:
    try:
        url = HttpUrl.parse(start + text)
    except UrlError:
        return
    assert HttpUrl.parse(str(url)) == url
    assert not set("\r\n \\#") & set(url.target)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b", "https://a.example/b"),
        ("c", "https://a.example/x/c"),
        ("?q", "https://a.example/x/y?q"),
        ("//b.example/", "https://b.example/"),
        ("http://B.example:80/z#f", "http://b.example/z"),
        ("/grüße straße", "https://a.example/gr%C3%BC%C3%9Fe%20stra%C3%9Fe"),
    ],
)
def test_a_redirection_leads_somewhere(location: str, target: str) -> None:
    assert str(HttpUrl.parse("https://a.example/x/y").join(location)) == target


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://127.1/", "http://a@b/", "http://["]
)
def test_a_redirection_to_no_url_is_refused(location: str) -> None:
    with pytest.raises(UrlError):
        HttpUrl.parse("https://a.example/x/y").join(location)
