"""One case an attack by an index, or by whoever wrote the package on it."""

import io
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from http_thread import serving

from runt_worker._packages import (
    ArchiveError,
    HashMismatchError,
    PackageError,
    RequirementError,
    ResolutionError,
)
from runt_worker._packages import _index as index_module
from runt_worker._packages._installation import Installer, parse_requirement

if TYPE_CHECKING:
    from ..conftest import Ask, Index, MakeInstaller  # noqa: TID252 - tests are no package


def test_a_wheel_with_other_bytes(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    entry = index.add("spam", "1")
    plan = ask.plan(installer, "spam")
    index.web.add(entry["url"].lstrip("/"), b"evil")
    with pytest.raises(HashMismatchError, match="refused"):
        installer.provide(plan)


def test_metadata_with_other_bytes(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    entry = index.add("spam", "1")
    index.web.add(entry["url"].lstrip("/") + ".metadata", b"Requires-Dist: evil\n")
    with pytest.raises(HashMismatchError, match=r"spam-1.*\.metadata"):
        ask(installer, "spam")


def test_a_file_without_a_hash(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add("spam", "1", hashes={})
    with pytest.raises(ResolutionError, match="gives no SHA-256"):
        ask(installer, "spam")


@pytest.mark.parametrize(
    "name", ["../../evil-1-py3-none-any.whl", "a/b-1-py3-none-any.whl"]
)
def test_a_file_name_that_is_a_path(
    index: "Index", installer: Installer, ask: "Ask", name: str
) -> None:
    index.list_file("spam", name, b"x")
    with pytest.raises(ResolutionError):
        ask(installer, "spam")


def test_a_file_of_another_project(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.list_file("spam", "eggs-1-py3-none-any.whl", b"x")
    with pytest.raises(ResolutionError):
        ask(installer, "spam")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher:x"])
def test_a_file_at_an_address_of_another_kind(
    index: "Index", installer: Installer, ask: "Ask", url: str
) -> None:
    index.add("spam", "1", serves_metadata=False, url=url)
    with pytest.raises(PackageError):
        installer.provide(ask.plan(installer, "spam"))


class _Redirector(BaseHTTPRequestHandler):
    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", "file:///etc/passwd")
        self.end_headers()


class _Endless(_Redirector):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass


@pytest.mark.parametrize("handler", [_Redirector, _Endless])
def test_a_page_that_leads_to_a_file_or_never_ends(
    make_installer: "MakeInstaller",
    ask: "Ask",
    handler: type[BaseHTTPRequestHandler],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index_module, "MAX_PAGE_BYTES", 1 << 20)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with serving(server):
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        with pytest.raises(ResolutionError) as caught:
            ask(make_installer(url=url), "spam")
        assert "root:" not in str(caught.value)


@pytest.mark.parametrize(
    "page",
    [
        "[]",
        "{}",
        "[" * 100_000,
        '{"files": 1}',
        '{"meta": {}, "name": "spam", "files": [1]}',
    ],
)
def test_a_page_that_makes_no_sense(
    index: "Index", installer: Installer, ask: "Ask", page: str
) -> None:
    kind = "application/vnd.pypi.simple.v1+json"
    index.web.add("simple/spam/", page.encode(), kind)
    with pytest.raises(ResolutionError):
        ask(installer, "spam")


def test_metadata_that_is_too_large(
    index: "Index",
    installer: Installer,
    ask: "Ask",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index_module, "MAX_METADATA_BYTES", 10_000)
    index.add("spam", "1", more=f"Summary: {'x' * 20_000}\n")
    with pytest.raises(PackageError, match="more than 10000 bytes"):
        ask(installer, "spam")
    # The same as a zip bomb: few bytes in the wheel, many in the file.
    index.add("eggs", "1", serves_metadata=False, more=f"Summary: {'x' * 20_000}\n")
    with pytest.raises(ResolutionError, match="larger than 10000 bytes"):
        ask(installer, "eggs")


def test_a_wheel_that_leaves_its_directory(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("spam-1.dist-info/METADATA", "Name: spam\nVersion: 1\n")
        archive.writestr("../../evil", "evil")
    index.list_file("spam", "spam-1-py3-none-any.whl", buffer.getvalue())
    index.web.add("files/spam-1-py3-none-any.whl", buffer.getvalue())
    with pytest.raises(ArchiveError, match="outside"):
        installer.provide(ask.plan(installer, "spam"))


@pytest.mark.parametrize(
    "requirement", ["=", "eggs @ http://169.254.169.254/latest", "eggs @ file:///etc"]
)
def test_a_requirement_that_makes_no_sense_or_is_an_address(
    index: "Index", installer: Installer, ask: "Ask", requirement: str
) -> None:
    index.add("spam", "1", [requirement])
    with pytest.raises((ResolutionError, RequirementError)):
        ask(installer, "spam")
    assert not any("latest" in path for path in index.web.requests)


def test_a_chain_of_dependencies_without_end(
    index: "Index",
    installer: Installer,
    ask: "Ask",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = "runt_worker._packages._installation._finder"
    monkeypatch.setattr(f"{module}.MAX_PROJECTS", 20)
    for number in range(40):
        index.add(f"spam{number}", "1", [f"spam{number + 1}"])
    with pytest.raises(ResolutionError, match="More than 20 projects"):
        ask(installer, "spam0")


def test_packages_that_need_each_other(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add("spam", "1", ["eggs"])
    index.add("eggs", "1", ["spam[x]"])
    assert ask(installer, "spam") == ["eggs 1", "spam 1"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../etc/passwd",
        "/etc/passwd",
        "spam;",
        "spam @ https://example.org/x.whl",
        "https://example.org/spam-1-py3-none-any.whl",
        "git+https://example.org/spam",
        "spam==" + "1" * 5000,
        "spam\n--index-url=x",
    ],
)
def test_requirements_that_are_none(text: str) -> None:
    with pytest.raises(RequirementError):
        parse_requirement(text)
