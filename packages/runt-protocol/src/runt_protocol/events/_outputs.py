"""Events about the outputs of cells."""

from typing import ClassVar

from msgspec import UNSET, UnsetType

from runt_protocol._media import Representation, Representations
from runt_protocol.events._base import EventBase, Number, StreamName, WholeNumber


class MultimediaDisplayOutputAdded(EventBase, frozen=True, kw_only=True):
    """Adds a display; with a display id it also updates those shown before."""

    event_name: ClassVar[str] = "v1.MultimediaDisplayOutputAdded"
    id: str
    cell_id: str
    position: Number
    representations: Representations
    display_id: str | UnsetType = UNSET


class MultimediaDisplayOutputUpdated(EventBase, frozen=True, kw_only=True):
    """Replaces the content of every display with this display id."""

    event_name: ClassVar[str] = "v1.MultimediaDisplayOutputUpdated"
    display_id: str
    representations: Representations


class MultimediaResultOutputAdded(EventBase, frozen=True, kw_only=True):
    """Adds the value of a cell's last expression."""

    event_name: ClassVar[str] = "v1.MultimediaResultOutputAdded"
    id: str
    cell_id: str
    position: Number
    representations: Representations
    execution_count: WholeNumber


class TerminalOutputAdded(EventBase, frozen=True, kw_only=True):
    """Adds text that the cell printed."""

    event_name: ClassVar[str] = "v1.TerminalOutputAdded"
    id: str
    cell_id: str
    position: Number
    content: Representation
    stream_name: StreamName


class TerminalOutputAppendedV1(EventBase, frozen=True, kw_only=True):
    """Appends to the text itself; deprecated, found in old logs."""

    event_name: ClassVar[str] = "v1.TerminalOutputAppended"
    output_id: str
    content: Representation


class TerminalOutputAppendedV2(EventBase, frozen=True, kw_only=True):
    """Adds a delta that is shown behind the text; its id must be new."""

    event_name: ClassVar[str] = "v2.TerminalOutputAppended"
    id: str
    output_id: str
    delta: str
    sequence_number: WholeNumber


class MarkdownOutputAdded(EventBase, frozen=True, kw_only=True):
    """Adds Markdown text."""

    event_name: ClassVar[str] = "v1.MarkdownOutputAdded"
    id: str
    cell_id: str
    position: Number
    content: Representation


class MarkdownOutputAppendedV1(EventBase, frozen=True, kw_only=True):
    """Appends to the Markdown itself; deprecated, found in old logs."""

    event_name: ClassVar[str] = "v1.MarkdownOutputAppended"
    output_id: str
    content: Representation


class MarkdownOutputAppendedV2(EventBase, frozen=True, kw_only=True):
    """Adds a delta that is shown behind the Markdown; its id must be new."""

    event_name: ClassVar[str] = "v2.MarkdownOutputAppended"
    id: str
    output_id: str
    delta: str
    sequence_number: WholeNumber


class ErrorOutputAdded(EventBase, frozen=True, kw_only=True):
    """Adds an exception: an object with ename, evalue and traceback."""

    event_name: ClassVar[str] = "v1.ErrorOutputAdded"
    id: str
    cell_id: str
    position: Number
    content: Representation


class CellOutputsCleared(EventBase, frozen=True, kw_only=True):
    """Clears a cell's outputs, at once or when its next output comes."""

    event_name: ClassVar[str] = "v1.CellOutputsCleared"
    cell_id: str
    wait: bool
    cleared_by: str


class AllOutputsCleared(EventBase, frozen=True, kw_only=True):
    """Clears the outputs of all cells."""

    event_name: ClassVar[str] = "v1.AllOutputsCleared"
    cleared_by: str
