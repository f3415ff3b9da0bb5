"""What the supervisor asks of the sandbox.

Source: Jupyter messaging protocol 5.4, messages on the Shell and Control channels.
"""

from typing import Literal

import msgspec

from runt_worker._frames import encode_frame
from runt_worker._outputs import Content


class GuestMount(msgspec.Struct, frozen=True, kw_only=True):
    """Where the guest finds a mount; its number is its place in the list.

    Attributes:
        guest_path: its directory in the sandbox.
        alias: a second name beside it, which is not listed.
    """

    guest_path: str
    alias: str | None


class Initialize(Content, frozen=True, kw_only=True, tag="initialize"):
    """First message: where things are on the host.

    Attributes:
        packages: directories that appear in site-packages from the start.
        libraries: directories with shared libraries, likewise.
        importable: import names that a package of Pyodide's lock file provides.
        mounts: host directories.
        call_request: FIFO for the guest's synchronous calls.
        call_reply: FIFO for their answers.
        max_frame_bytes: a larger frame would end the kernel.
        max_memory_bytes: how far Python's memory grows.
    """

    packages: list[str]
    libraries: list[str]
    importable: list[str]
    mounts: tuple[GuestMount, ...]
    call_request: str
    call_reply: str
    max_frame_bytes: int
    max_memory_bytes: int


class MakeImage(Content, frozen=True, kw_only=True, tag="make_image"):
    """In place of the first message: make a memory image.

    Attributes:
        packages: directories that appear in site-packages.
    """

    packages: list[str]


class ExecuteRequest(Content, frozen=True, kw_only=True, tag="execute_request"):
    """Run a cell.

    Attributes:
        code: its source.
        allow_stdin: whether somebody can answer its ``input()``.
    """

    code: str
    allow_stdin: bool = False


class CompleteRequest(Content, frozen=True, kw_only=True, tag="complete_request"):
    """Complete at a cursor, counted in characters."""

    code: str
    cursor_pos: int


class InspectRequest(Content, frozen=True, kw_only=True, tag="inspect_request"):
    """Describe the object at a cursor; detail level 1 adds its source."""

    code: str
    cursor_pos: int
    detail_level: Literal[0, 1] = 0


class IsCompleteRequest(Content, frozen=True, kw_only=True, tag="is_complete_request"):
    """Ask whether code could be run as it stands."""

    code: str


class NetworkNews(Content, frozen=True, kw_only=True, tag="network_news"):
    """Something has come for exchanges whose answers the guest awaits.

    Attributes:
        exchanges: their numbers.
    """

    exchanges: list[int]


class InputNews(Content, frozen=True, kw_only=True, tag="input_news"):
    """There is an answer to a question that the guest asked.

    Attributes:
        question: its number.
    """

    question: int


class InterruptRequest(Content, frozen=True, kw_only=True, tag="interrupt_request"):
    """Interrupt the execution of this request, and no other.

    Attributes:
        force: leave code of Python no way to go on.
    """

    force: bool


Request = (
    Initialize
    | MakeImage
    | ExecuteRequest
    | CompleteRequest
    | InspectRequest
    | IsCompleteRequest
    | NetworkNews
    | InputNews
    | InterruptRequest
)


def encode_request(request: int, content: Request) -> bytes:
    """Return the frame of one request."""
    return encode_frame(_encoder.encode({"request": request, "content": content}))


_encoder = msgspec.json.Encoder()
