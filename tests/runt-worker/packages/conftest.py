"""What the package tests build: wheels, pins, locks, and a web server of their own."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from http_thread import serving

from runt_worker._packages import KernelLock, LockedPackage, Pin, PyodideLock

MakeWheel = Callable[..., tuple[Pin, bytes]]
MakeLock = Callable[[Sequence[Pin]], PyodideLock]


@pytest.fixture
def make_wheel() -> MakeWheel:
    """Build a small wheel and the pin that belongs to it."""

    def make(
        name: str = "spam",
        files: Mapping[str, bytes] | None = None,
        file_name: str | None = None,
    ) -> tuple[Pin, bytes]:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in (files or {f"{name}.py": b"x = 1\n"}).items():
                archive.writestr(path, content)
        data = buffer.getvalue()
        pin = Pin(
            name=name,
            version="1.0",
            file_name=file_name or f"{name}-1.0-py3-none-any.whl",
            sha256=hashlib.sha256(data).hexdigest(),
        )
        return pin, data

    return make


@pytest.fixture
def make_lock() -> MakeLock:
    """Build a lock of packages that depend on nothing."""

    def make(pins: Sequence[Pin]) -> PyodideLock:
        packages = {
            pin.name: pin
            if isinstance(pin, LockedPackage)
            else LockedPackage(
                name=pin.name,
                version=pin.version,
                file_name=pin.file_name,
                sha256=pin.sha256,
            )
            for pin in pins
        }
        return PyodideLock(packages, abi_version="2026_0", python_version="3.14.0")

    return make


@pytest.fixture
def no_kernel() -> KernelLock:
    return KernelLock({})


class WebServer:
    """Serves bytes by path from this machine, and counts who asks.

    Attributes:
        url: Its address, ending in a slash.
        pages: Path (without the leading slash) to content.
        requests: Every path asked for, in order.
        status: What it answers instead of 200, if not None.
        truncate: Whether it hangs up in the middle of every body.
        ranges: Whether it honours Range headers.
    """

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.requests: list[str] = []
        self.status: HTTPStatus | None = None
        self.truncate = False
        self.ranges = True
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def add(
        self, path: str, content: bytes, kind: str = "application/octet-stream"
    ) -> None:
        self.pages[path] = (kind, content)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, site: WebServer, *args: object) -> None:
        self._site = site
        super().__init__(*args)  # pyright: ignore[reportArgumentType] - passed through

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""

    def do_GET(self) -> None:
        site = self._site
        path = self.path.lstrip("/")
        site.requests.append(path)
        if site.status is not None:
            self.send_error(site.status)
            return
        if path not in site.pages:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind, content = site.pages[path]
        asked = self.headers.get("Range") if site.ranges else None
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start = int(first) if first else max(0, len(content) - int(last))
            end = int(last) + 1 if first and last else len(content)
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
            content = content[start:end]
        else:
            self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if site.truncate else content)


@contextmanager
def web_server() -> Generator[WebServer]:
    site = WebServer()
    with serving(site.server):
        yield site


@pytest.fixture
def web() -> Generator[WebServer]:
    with web_server() as site:
        yield site


@pytest.fixture(scope="module")
def module_web() -> Generator[WebServer]:
    with web_server() as site:
        yield site


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    directory = tmp_path / "wheelhouse"
    directory.mkdir()
    return directory
