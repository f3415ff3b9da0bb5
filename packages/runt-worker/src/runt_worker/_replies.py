"""Answers of the kernel, and every message that can come out of the sandbox.

Source: Jupyter messaging protocol 5.4, messages on the Shell channel.
"""

from typing import Annotated, Any, Literal

import msgspec

from runt_worker._errors import GuestProtocolError
from runt_worker._frames import Frame
from runt_worker._outputs import Content, ExecutionCount, Output, Stream
from runt_worker._stdin import InputRequest

MAX_MATCHES = 1000
"""Nobody looks through more completions; the guest leaves out the rest."""

CursorPosition = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class ExecuteReply(Content, frozen=True, kw_only=True, tag="execute_reply"):
    """How a cell ended; its outputs came before.

    Attributes:
        status: ``ok``, or ``error`` when it raised or was interrupted.
        execution_count: the number of its prompt.
        ename: class name of the exception, empty when there was none.
        evalue: its text.
    """

    status: Literal["ok", "error"]
    execution_count: ExecutionCount
    ename: str = ""
    evalue: str = ""


class CompleteReply(Content, frozen=True, kw_only=True, tag="complete_reply"):
    """Completions that replace the text from cursor_start to cursor_end.

    Attributes:
        matches: at most 1,000 texts.
        cursor_start: in characters from the beginning of the code.
        cursor_end: the same.
        metadata: ``_jupyter_types_experimental`` tells of each match what it is.
    """

    matches: Annotated[list[str], msgspec.Meta(max_length=MAX_MATCHES)]
    cursor_start: CursorPosition
    cursor_end: CursorPosition
    metadata: dict[str, Any]


class InspectReply(Content, frozen=True, kw_only=True, tag="inspect_reply"):
    """A MIME bundle that describes an object, empty if nothing was found."""

    found: bool
    data: dict[str, Any]
    metadata: dict[str, Any]


class IsCompleteReply(Content, frozen=True, kw_only=True, tag="is_complete_reply"):
    """Whether code is complete; ``indent`` is the text for the next line."""

    status: Literal["complete", "incomplete", "invalid", "unknown"]
    indent: str


class ErrorReply(Content, frozen=True, kw_only=True, tag="error_reply"):
    """A completion or inspection failed; the kernel goes on."""

    ename: str
    evalue: str


class Ready(Content, frozen=True, kw_only=True, tag="ready"):
    """Pyodide and IPython are there.

    Attributes:
        restored: whether they come from a memory image.
    """

    restored: bool


class Fatal(Content, frozen=True, kw_only=True, tag="fatal"):
    """The guest cannot go on; the process ends."""

    reason: str


Reply = ExecuteReply | CompleteReply | InspectReply | IsCompleteReply | ErrorReply


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the sandbox: which request it belongs to, and what it says."""

    request: int
    content: Output | InputRequest | Reply | Ready | Fatal


_decoder = msgspec.json.Decoder(Received)


def decode_received(frame: Frame) -> Received:
    """Return the message in an untrusted frame.

    Raises:
        GuestProtocolError: it is not JSON, or no message of ours.
    """
    try:
        received = _decoder.decode(frame.head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GuestProtocolError(
            f"the sandbox sent a message that is none of ours: {error}"
        ) from None
    if isinstance(received.content, Stream):
        # Text travels beside the JSON: a megabyte of it is not escaped and unescaped.
        text = frame.tail.decode("utf-8", errors="replace")
        content = msgspec.structs.replace(received.content, text=text)
        return Received(request=received.request, content=content)
    return received
