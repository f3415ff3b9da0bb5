"""What a running cell shows, as `Worker.execute` hands it out.

Source: Jupyter messaging protocol 5.4, messages on the IOPub channel. Binary data in
MIME bundles is base64 text, JSON types hold the JSON value itself.
"""

from typing import Annotated, Any, Literal

import msgspec

ExecutionCount = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
"""Number of a prompt; the bound keeps it exact in JavaScript and in SQLite."""

DisplayId = Annotated[str, msgspec.Meta(max_length=1000)]
"""Name of a display; it is in every event about it."""


class Content(msgspec.Struct, frozen=True, kw_only=True, tag_field="msg_type"):
    """Base of all message contents; the tag is the Jupyter message type."""


class Stream(Content, frozen=True, kw_only=True, tag="stream"):
    """Text printed to standard output or standard error."""

    name: Literal["stdout", "stderr"]
    text: str = ""


class DisplayData(Content, frozen=True, kw_only=True, tag="display_data"):
    """A display: MIME type → data. With a display id it can be updated."""

    data: dict[str, Any]
    metadata: dict[str, Any]
    display_id: DisplayId | None = None


class UpdateDisplayData(Content, frozen=True, kw_only=True, tag="update_display_data"):
    """New contents for every display of that id, whichever cell made it."""

    data: dict[str, Any]
    metadata: dict[str, Any]
    display_id: DisplayId


class ExecuteResult(Content, frozen=True, kw_only=True, tag="execute_result"):
    """The value of the cell's last expression."""

    data: dict[str, Any]
    metadata: dict[str, Any]
    execution_count: ExecutionCount


class Error(Content, frozen=True, kw_only=True, tag="error"):
    """An exception that the cell did not catch; the traceback has ANSI colours."""

    ename: str
    evalue: str
    traceback: list[str]


class ClearOutput(Content, frozen=True, kw_only=True, tag="clear_output"):
    """Clear the cell's outputs: at once, or when the next output comes (wait)."""

    wait: bool


Output = Stream | DisplayData | UpdateDisplayData | ExecuteResult | Error | ClearOutput
