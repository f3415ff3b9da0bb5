"""What JavaScript offers to the kernel, and how messages are put into words."""

import base64
import json
import numbers
from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

from pyodide.ffi import to_js


class Bridge(Protocol):
    """The object that ``guest.ts`` passes in."""

    def send(self, head: str, tail: object = ...) -> None:
        """Post one frame to the supervisor."""

    def has_room(self) -> bool:
        """Wait a moment while too much is on its way; return whether it is less now."""

    def call(self, method: str, parameters: str) -> str:
        """Ask the supervisor and wait for the JSON text of its answer."""

    def call_with_bytes(self, method: str, parameters: str, tail: object = ...) -> Any:
        """Likewise, with bytes beside both: the answer is ``.head`` and ``.tail``."""

    def add_package(self, host_path: str) -> None:
        """Let an unpacked package appear in site-packages."""

    def remove_package(self, host_path: str) -> None:
        """Let an unpacked package disappear from site-packages."""

    def add_library(self, host_path: str) -> None:
        """Let an unpacked package's shared libraries be found by the linker."""

    def settle_files(self) -> str:
        """Write out what is gathered; return the errno's name if that fails, or ""."""

    def take_interrupt(self) -> bool:
        """Return whether an interrupt was requested that nobody has taken yet."""

    def pause(self, seconds: float) -> None:
        """Block for so many seconds, or until the next signal."""

    def wait_for_answer(self, question: int) -> bool:
        """Block until the next signal, or an answer to that question; tell which."""

    def schedule(self, callback: Callable[[], None], delay_ms: float) -> None:
        """Have JavaScript's event loop call back."""


Send = Callable[..., None]

_MAX_BYTES_PER_CHARACTER = 4


def sender(bridge: Bridge, max_frame_bytes: int) -> Send:
    """Return a function that sends one message: ``send(head, tail=b"")``.

    It raises ValueError for a message that would be refused.
    """

    def send(head: dict[str, Any], tail: bytes = b"") -> None:
        text = encode(head)
        if _MAX_BYTES_PER_CHARACTER * len(text) > max_frame_bytes:
            _check_size(text, max_frame_bytes)
        try:
            # Between two looks Python takes signals: an interrupt ends the wait.
            while not bridge.has_room():
                pass
        finally:
            if tail:
                bridge.send(text, to_js(tail))
            else:
                bridge.send(text)

    return send


def _check_size(text: str, max_frame_bytes: int) -> None:
    # Lengths and a little more are not worth counting.
    size, limit = len(text.encode("utf-8", "surrogatepass")), max_frame_bytes - 1024
    if size > limit:
        raise ValueError(
            f"this output has {size:,} bytes; more than {limit:,} are not shown"
        )


def encode(value: object) -> str:
    """Return JSON text; NaN and infinities, which JSON lacks, become null."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        lenient = json.dumps(value, ensure_ascii=False, default=_plain)
        finite = json.loads(lenient, parse_constant=lambda _: None)
        return json.dumps(finite, ensure_ascii=False)


def _plain(value: object) -> object:
    """Return what Jupyter sends for values that JSON does not know."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    return repr(value)
