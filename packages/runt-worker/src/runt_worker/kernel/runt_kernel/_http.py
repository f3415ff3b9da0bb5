"""``http.client``, and with it ``urllib.request``, over the supervisor.

A connection is one in name only. What would be sent is read as a request, which the
supervisor makes if it was granted; what it answers is read as if it had come from a
socket. It blocks, and needs neither JavaScript's promises nor a suspended stack.
"""

import functools
import http.client
import io
import json
import time
from typing import Any

from pyodide.ffi import to_js

from runt_kernel._bridge import Bridge

_PART_BYTES = 1024 * 1024
_BUFFER_BYTES = 256 * 1024
_NO_PROXIES = "there are no proxies in the sandbox"
_OF_CONNECTION = {"connection", "content-length", "keep-alive", "transfer-encoding"}


def install(bridge: Bridge) -> None:
    """Let connections of ``http.client`` go to the supervisor."""

    def connect(self: http.client.HTTPConnection) -> None:
        """Have something that takes a request."""
        self.sock = _RequestSocket(bridge, "http", self)

    def connect_securely(self: http.client.HTTPSConnection) -> None:
        """Have something that takes a request; the supervisor checks certificates."""
        self.sock = _RequestSocket(bridge, "https", self)

    send = http.client.HTTPConnection.request

    @functools.wraps(send)
    def request(self: http.client.HTTPConnection, *args: Any, **options: Any) -> None:
        send(self, *args, **options)
        # Failures to connect belong here, where callers expect them.
        if isinstance(self.sock, _RequestSocket):
            self.sock.begin()

    http.client.HTTPConnection.request = request
    http.client.HTTPConnection.connect = connect
    http.client.HTTPSConnection.connect = connect_securely


class _RequestSocket:
    """Takes the bytes of one request, and answers with a file."""

    def __init__(
        self, bridge: Bridge, scheme: str, connection: http.client.HTTPConnection
    ) -> None:
        if connection._tunnel_host:  # noqa: SLF001 (it has no public name)
            raise OSError(_NO_PROXIES)
        self._bridge = bridge
        host = connection.host
        self._host = f"[{host}]" if ":" in host else host
        self._port = connection.port
        self._scheme = scheme
        timeout = connection.timeout
        self._timeout_s = timeout if isinstance(timeout, int | float) else None
        self._sent = bytearray()
        self._answer: _Answer | None = None

    def sendall(self, data: bytes, /) -> None:
        self._sent += data

    def settimeout(self, timeout_s: float | None, /) -> None:
        self._timeout_s = timeout_s

    def makefile(self, _mode: str = "rb", *_: object) -> io.BufferedReader:
        """Return what is read as the answer."""
        answer, self._answer = self._answer or self._request(), None
        return io.BufferedReader(answer, _BUFFER_BYTES)

    def begin(self) -> None:
        """Make the request, and wait until its answer begins."""
        self._answer = self._request()
        self._answer.wait()

    def _request(self) -> "_Answer":
        head, _, body = bytes(self._sent).partition(b"\r\n\r\n")
        self._sent.clear()
        line, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        if not target.startswith("/"):
            raise OSError(_NO_PROXIES)
        headers = [tuple(it.split(": ", 1)) for it in lines]
        if any(it[0].lower() == "transfer-encoding" for it in headers):
            body = _without_chunks(body)
        origin = f"{self._scheme}://{self._host}:{self._port}"
        request = {
            "method": method,
            "url": origin + target,
            "headers": [it for it in headers if self._is_of_request(*it)],
            "redirect": "manual",
        }
        return _Answer(self._bridge, request, body, self._timeout_s)

    def close(self) -> None:
        """Have nothing to close: the answer does that."""

    def _is_of_request(self, name: str, value: str) -> bool:
        if name.lower() == "host":
            return value.lower() not in {self._host, f"{self._host}:{self._port}"}
        return name.lower() not in _OF_CONNECTION


class _Answer(io.RawIOBase):
    """The bytes of an answer, its head included."""

    def __init__(
        self,
        bridge: Bridge,
        request: dict[str, Any],
        body: bytes,
        timeout_s: float | None,
    ) -> None:
        self._bridge = bridge
        self._timeout_s = timeout_s
        self._exchange: int | None = None
        self._rest = b""
        request["has_body"] = bool(body)
        answer = bridge.call("http_request", json.dumps(request))
        self._exchange = _checked(answer)["exchange"]
        for at in range(0, len(body), _PART_BYTES):
            part = body[at : at + _PART_BYTES]
            is_last = at + _PART_BYTES >= len(body)
            parameters = {"exchange": self._exchange, "is_last": is_last}
            self._call("http_body", parameters, part)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self.wait()
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)

    def wait(self) -> None:
        """Wait until there are bytes, or there will be none."""
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + (self._timeout_s or float("inf"))
        while not self._rest and self._exchange is not None:
            # It waits for a moment only; in between Python takes signals.
            self._receive()
            if time.monotonic() > deadline and not self._rest:
                raise TimeoutError("the read operation timed out")

    def close(self) -> None:
        """Want nothing more."""
        if not self.closed and self._exchange is not None:
            parameters = json.dumps({"exchange": self._exchange})
            self._exchange = None
            self._bridge.call("http_close", parameters)
        super().close()

    def _receive(self) -> None:
        parameters = {"exchange": self._exchange, "waits": True}
        answer, tail = self._call("http_receive", parameters)
        if "head" in answer:
            self._rest = _as_bytes(answer["head"])
        self._rest += tail
        if "ended" in answer:
            self._exchange = None

    def _call(
        self, method: str, parameters: dict[str, Any], tail: bytes = b""
    ) -> tuple[dict[str, Any], bytes]:
        arguments = [to_js(tail)] if tail else []
        text = json.dumps(parameters)
        got = self._bridge.call_with_bytes(method, text, *arguments)
        return _checked(got.head), got.tail.to_bytes()


def _checked(text: str) -> dict[str, Any]:
    answer = json.loads(text)
    if answer.get("code") == "EINTR":
        raise KeyboardInterrupt
    if "error" not in answer:
        return answer
    match answer["kind"]:
        case "refused":
            raise PermissionError(answer["error"])
        case "timeout":
            raise TimeoutError(answer["error"])
        case "invalid":
            raise ValueError(answer["error"])
        case _:
            raise ConnectionError(answer["error"])


def _as_bytes(head: dict[str, Any]) -> bytes:
    lines = [f"HTTP/1.1 {head['status']} {head['reason']}"]
    lines += [f"{name}: {value}" for name, value in head["headers"]]
    # The body ends where the file does, unless a length was given.
    lines += ["Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _without_chunks(data: bytes) -> bytes:
    """Return a body that was to be sent in chunks. RFC 9112, 7.1."""
    parts, at = [], 0
    while True:
        end = data.index(b"\r\n", at)
        start, size = end + 2, int(data[at:end], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(data[start : start + size])
        at = start + size + 2
