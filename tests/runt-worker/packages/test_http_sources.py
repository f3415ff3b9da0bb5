"""The sources that speak HTTP, against a web server on this machine."""

import hashlib
import io
import socket
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from runt_worker._packages import (
    HashMismatchError,
    LockFileError,
    PackageSource,
    PackageSourceError,
    Pin,
    WheelCache,
)
from runt_worker._packages._carrier import Carrier, CarrierWheelSource
from runt_worker._packages._cdn import PyodideCdnSource, pyodide_base_url
from runt_worker._packages._http import (
    RETRY_AFTER_S,
    Outage,
    failure_reason,
    open_session,
)
from runt_worker._packages._index import PackageIndex, PyPISource
from runt_worker._packages._pip_config import PipConfig

if TYPE_CHECKING:
    from .conftest import MakeWheel, WebServer

CARRIER = Carrier(project="carrier", file_name="carrier-1.0-py3-none-any.whl")


@pytest.fixture
def cache(tmp_path: Path) -> WheelCache:
    return WheelCache(tmp_path / "cache")


def serve_project(web: "WebServer", project: str, *files: tuple[str, bytes]) -> None:
    """Put a project's page and files on the web server, as an index does."""
    links: list[str] = []
    for name, data in files:
        web.add(f"files/{name}", data)
        digest = hashlib.sha256(data).hexdigest()
        links.append(f'<a href="/files/{name}#sha256={digest}">{name}</a>')
    page = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>"
    web.add(f"simple/{project}/", page.encode(), "text/html")


def index_of(web: "WebServer") -> PackageIndex:
    return PackageIndex(PipConfig(index_urls=(f"{web.url}simple/",)))


def carrier_wheel(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(f"carrier/static/{name}", data)
        # The end of the wheel is read at once; the members must not lie in it.
        archive.writestr("padding", hashlib.shake_256(b"padding").digest(300_000))
    return buffer.getvalue()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class TestPyodidesSite:
    def test_serves_a_file_by_its_name(
        self, web: "WebServer", cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, data = make_wheel()
        web.add(f"full/{pin.file_name}", data)
        assert cache.fill(pin, PyodideCdnSource(f"{web.url}full"))
        assert cache.get(pin)

    def test_may_not_have_a_file(
        self, web: "WebServer", cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, _ = make_wheel()
        source = PyodideCdnSource(web.url)
        assert cache.fill(pin, source) is None
        assert cache.fill(pin, source) is None
        assert len(web.requests) == 2

    def test_may_refuse_one_file_and_serve_another(
        self, web: "WebServer", cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, data = make_wheel()
        web.add(pin.file_name, data)
        source = PyodideCdnSource(web.url)
        web.status = HTTPStatus.FORBIDDEN
        with pytest.raises(PackageSourceError, match="answered 403 Forbidden"):
            cache.fill(pin, source)
        web.status = None
        assert cache.fill(pin, source)

    def test_may_hang_up_in_the_middle(
        self, web: "WebServer", cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, data = make_wheel()
        web.add(pin.file_name, data)
        web.truncate = True
        with pytest.raises(PackageSourceError):
            cache.fill(pin, PyodideCdnSource(web.url))
        assert cache.get(pin) is None

    def test_may_serve_something_else(
        self, web: "WebServer", cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, _ = make_wheel()
        web.add(pin.file_name, b"evil")
        with pytest.raises(HashMismatchError, match="Pyodide's download site"):
            cache.fill(pin, PyodideCdnSource(web.url))

    def test_is_asked_once_when_it_cannot_be_reached(
        self, cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, _ = make_wheel()
        port = closed_port()
        source = PyodideCdnSource(f"http://127.0.0.1:{port}/")
        with pytest.raises(PackageSourceError, match="cannot be reached"):
            cache.fill(pin, source)
        # Nobody listens here before the first failure is forgotten.
        with socket.create_server(("127.0.0.1", port)) as server:
            server.settimeout(0)
            with pytest.raises(PackageSourceError, match="cannot be reached"):
                cache.fill(pin, source)
            with pytest.raises(BlockingIOError):
                server.accept()

    def test_may_never_answer(
        self,
        cache: WheelCache,
        make_wheel: "MakeWheel",
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("runt_worker._packages._http.TIMEOUT_S", (0.1, 0.1))
        pin, _ = make_wheel()
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            with pytest.raises(PackageSourceError, match="did not answer in time"):
                cache.fill(pin, PyodideCdnSource(url))


class TestWherePyodidesSiteIs:
    def test_is_read_out_of_pyodide(self, tmp_path: Path) -> None:
        (tmp_path / "package.json").write_text('{"version": "1.2.3", "name": "p"}')
        (tmp_path / "pyodide.mjs").write_text(
            "e.cdnUrl=k(e.packageBaseUrl??`https://example.org/p/v${U}/full/`),x=1"
        )
        assert pyodide_base_url(tmp_path) == "https://example.org/p/v1.2.3/full/"

    @pytest.mark.parametrize(
        ("manifest", "script"),
        [(None, None), ("{}", ""), ('{"version": "1"}', "no address here")],
    )
    def test_may_not_be_there(
        self, tmp_path: Path, manifest: str | None, script: str | None
    ) -> None:
        if manifest is not None and script is not None:
            (tmp_path / "package.json").write_text(manifest)
            (tmp_path / "pyodide.mjs").write_text(script)
        with pytest.raises(LockFileError, match=tmp_path.name):
            pyodide_base_url(tmp_path)


class TestIndex:
    def test_serves_the_file_with_the_right_hash(
        self, web: "WebServer", cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, data = make_wheel()
        serve_project(web, "spam", ("spam-1.0.tar.gz", b"x"), (pin.file_name, data))
        assert cache.fill(pin, PyPISource(index_of(web)))

    def test_does_not_have_a_file_of_the_same_name(
        self, web: "WebServer", cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        # Pyodide's own build of a pure package and the one on the index differ.
        pin, _ = make_wheel()
        serve_project(web, "spam", (pin.file_name, b"another build"))
        assert cache.fill(pin, PyPISource(index_of(web))) is None
        assert web.requests == ["simple/spam/"]

    def test_may_not_know_the_project(
        self, web: "WebServer", cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, _ = make_wheel()
        assert cache.fill(pin, PyPISource(index_of(web))) is None

    def test_may_be_one_of_several(
        self, web: "WebServer", cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, data = make_wheel()
        serve_project(web, "spam", (pin.file_name, data))
        urls = (f"{web.url}empty/", f"{web.url}simple/")
        index = PackageIndex(PipConfig(index_urls=urls))
        assert cache.fill(pin, PyPISource(index))
        assert web.requests[:2] == ["empty/spam/", "simple/spam/"]

    @pytest.mark.parametrize(
        ("config", "reason"),
        [
            (PipConfig(no_index=True), "no-index"),
            (PipConfig(index_urls=()), "no index that speaks HTTP"),
        ],
    )
    def test_may_be_forbidden_by_the_user(
        self, config: PipConfig, reason: str, make_wheel: "MakeWheel", cache: WheelCache
    ) -> None:
        pin, _ = make_wheel()
        with pytest.raises(PackageSourceError, match=reason):
            cache.fill(pin, PyPISource(PackageIndex(config)))

    @pytest.mark.parametrize(
        ("page", "kind"),
        [(b"{}", "application/zip"), (b"{", "application/vnd.pypi.simple.v1+json")],
    )
    def test_may_make_no_sense(
        self,
        web: "WebServer",
        cache: WheelCache,
        make_wheel: "MakeWheel",
        page: bytes,
        kind: str,
    ) -> None:
        pin, _ = make_wheel()
        web.add("simple/spam/", page, kind)
        with pytest.raises(PackageSourceError, match="the Python package index"):
            cache.fill(pin, PyPISource(index_of(web)))

    def test_keeps_a_password_to_itself(
        self, cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        pin, _ = make_wheel()
        url = f"http://user:hunter2@127.0.0.1:{closed_port()}/simple/"
        index = PackageIndex(PipConfig(index_urls=(url,)))
        with pytest.raises(PackageSourceError) as caught:
            cache.fill(pin, PyPISource(index))
        assert "hunter2" not in str(caught.value)
        assert "hunter2" not in failure_reason(ValueError(f"not there: {url}"))


class TestCarrier:
    @pytest.fixture
    def pins(
        self, web: "WebServer", make_wheel: "MakeWheel"
    ) -> list[tuple[Pin, bytes]]:
        wheels = [make_wheel(name) for name in ("spam", "eggs")]
        data = carrier_wheel(*((pin.file_name, data) for pin, data in wheels))
        serve_project(web, "carrier", (CARRIER.file_name, data))
        return wheels

    @pytest.fixture
    def source(self, web: "WebServer") -> PackageSource:
        return CarrierWheelSource(index_of(web), CARRIER)

    def test_hands_out_its_members(
        self,
        source: PackageSource,
        cache: WheelCache,
        pins: list[tuple[Pin, bytes]],
        web: "WebServer",
    ) -> None:
        for pin, data in pins:
            path = cache.fill(pin, source)
            assert path is not None
            assert path.read_bytes() == data
        # The page once, the directory at the end once, then the members.
        assert web.requests.count("simple/carrier/") == 1
        assert web.requests.count(f"files/{CARRIER.file_name}") == 3

    def test_may_not_carry_a_file(
        self,
        source: PackageSource,
        cache: WheelCache,
        pins: list[tuple[Pin, bytes]],
        make_wheel: "MakeWheel",
    ) -> None:
        del pins
        assert cache.fill(make_wheel("ham")[0], source) is None

    def test_needs_an_index_that_serves_ranges(
        self,
        source: PackageSource,
        cache: WheelCache,
        pins: list[tuple[Pin, bytes]],
        web: "WebServer",
    ) -> None:
        web.ranges = False
        with pytest.raises(PackageSourceError, match="no byte ranges"):
            cache.fill(pins[0][0], source)

    def test_may_not_be_on_the_index(
        self, source: PackageSource, cache: WheelCache, make_wheel: "MakeWheel"
    ) -> None:
        with pytest.raises(PackageSourceError, match="the index does not have it"):
            cache.fill(make_wheel()[0], source)

    def test_may_break_off(
        self,
        source: PackageSource,
        cache: WheelCache,
        pins: list[tuple[Pin, bytes]],
        web: "WebServer",
    ) -> None:
        assert cache.fill(pins[0][0], source)
        web.truncate = True
        with pytest.raises(PackageSourceError):
            cache.fill(pins[1][0], source)

    def test_may_carry_something_else(
        self,
        source: PackageSource,
        cache: WheelCache,
        make_wheel: "MakeWheel",
        web: "WebServer",
    ) -> None:
        pin, _ = make_wheel()
        data = carrier_wheel((pin.file_name, b"evil"))
        serve_project(web, "carrier", (CARRIER.file_name, data))
        with pytest.raises(HashMismatchError, match=CARRIER.file_name):
            cache.fill(pin, source)


class TestSession:
    def test_goes_where_pip_would_go(self) -> None:
        session = open_session(PipConfig(cert="certs.pem", proxy="http://proxy:3128"))
        assert session.verify == "certs.pem"
        assert set(session.proxies.values()) == {"http://proxy:3128"}

    def test_keeps_its_defaults_where_pip_says_nothing(self) -> None:
        session = open_session(PipConfig())
        assert session.verify is True
        assert session.proxies == {}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.exceptions.SSLError("self-signed"), "not accepted: self-signed"),
        (requests.exceptions.ProxyError("no"), "cannot be reached through the proxy"),
        (requests.ConnectionError("no"), "cannot be reached"),
        (requests.ConnectTimeout(), "did not answer in time"),
        (zipfile.BadZipFile("no zip"), "BadZipFile: no zip"),
    ],
)
def test_a_failure_is_put_into_words(error: Exception, reason: str) -> None:
    assert failure_reason(error).endswith(reason)


class TestOutage:
    def test_ends_by_itself(self) -> None:
        now = 1000.0
        outage = Outage("somebody", lambda: now)
        outage.check()
        error = outage.begin("cannot be reached")
        now += RETRY_AFTER_S - 1
        with pytest.raises(PackageSourceError, match=str(error)):
            outage.check()
        now += 2
        outage.check()
