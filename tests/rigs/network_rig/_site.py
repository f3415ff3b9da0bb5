"""A web server of this machine that notes who comes, and some bad pages."""

import gzip
import json
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

from http_thread import serving


class Site:
    """Serves a few pages from 127.0.0.1, and remembers who asked for what.

    Attributes:
        port: Where it listens.
        requests: Method, path and headers of each request, in order.
        waiting: Set when somebody waits for a page that never comes.
        left: Set when such a one has gone away.
        gathered: How many have to be there before `/together` answers any of them.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.waiting, self.left = Event(), Event()
        self.together: list[Event] = []
        self.gathered = 4
        self.server = _Server(("127.0.0.1", 0), partial(_Handler, self))
        self.port = self.server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.requests]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients go away here, and that is what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, site: Site, *args: Any) -> None:
        self._site = site
        super().__init__(*args)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""

    def handle_any(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        self._site.requests.append((self.command, self.path, headers))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"page_{parts.path.strip('/') or 'index'}")(query, body)

    do_GET = do_POST = do_HEAD = handle_any  # noqa: N815 - the server's names

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def page_index(self, _query: dict[str, str], _body: bytes) -> None:
        self.answer("grüße".encode(), Content_Type="text/plain; charset=utf-8")

    def page_echo(self, _query: dict[str, str], body: bytes) -> None:
        said = {
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "size": len(body),
            "body": body[:100].decode("latin-1"),
        }
        self.answer(json.dumps(said).encode(), Content_Type="application/json")

    def page_status(self, query: dict[str, str], _body: bytes) -> None:
        self.answer(b"no", int(query["code"]))

    def page_redirect(self, query: dict[str, str], _body: bytes) -> None:
        self.answer(b"moved", int(query.get("code", "302")), Location=query["to"])

    def page_circle(self, _query: dict[str, str], _body: bytes) -> None:
        self.answer(b"", 302, Location="/circle")

    def page_zipped(self, _query: dict[str, str], _body: bytes) -> None:
        self.answer(gzip.compress(b"x" * 100_000), Content_Encoding="gzip")

    def page_large(self, query: dict[str, str], _body: bytes) -> None:
        size = int(query["bytes"])
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for start in range(0, size, 65536):
            self.wfile.write(b"x" * min(65536, size - start))

    def page_chunks(self, _query: dict[str, str], _body: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")

    def page_together(self, _query: dict[str, str], _body: bytes) -> None:
        """Answer when so many are here at the same time."""
        mine = Event()
        self._site.together.append(mine)
        if len(self._site.together) == self._site.gathered:
            for each in self._site.together:
                each.set()
            self._site.together = []
        mine.wait(20)
        self.answer(b"here")

    def page_never(self, query: dict[str, str], _body: bytes) -> None:
        """Answer nothing, or half of it, and notice when the other side has gone."""
        if "begins" in query:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x")
        self._site.waiting.set()
        self.connection.settimeout(20)
        with suppress(OSError):
            if self.connection.recv(1) == b"":
                self._site.left.set()
        self.close_connection = True


@contextmanager
def serve(context: SSLContext | None = None) -> Generator[Site]:
    """Open a site, with TLS if there is a context."""
    site = Site()
    if context is not None:
        site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    with serving(site.server):
        yield site
