"""Events about cells: their life, their text, their place and what they show."""

from typing import ClassVar

from msgspec import UNSET, Struct, UnsetType

from runt_protocol.events._base import CellType, EventBase, Number


class CellCreatedV1(EventBase, frozen=True, kw_only=True):
    """Adds a cell at a numbered position."""

    event_name: ClassVar[str] = "v1.CellCreated"
    id: str
    cell_type: CellType
    position: Number
    created_by: str
    actor_id: str | UnsetType = UNSET


class CellCreatedV2(EventBase, frozen=True, kw_only=True):
    """Adds a cell where its fractional index sorts."""

    event_name: ClassVar[str] = "v2.CellCreated"
    id: str
    fractional_index: str
    cell_type: CellType
    created_by: str


class CellSourceChanged(EventBase, frozen=True, kw_only=True):
    """Replaces a cell's source."""

    event_name: ClassVar[str] = "v1.CellSourceChanged"
    id: str
    source: str
    modified_by: str


class CellTypeChanged(EventBase, frozen=True, kw_only=True):
    """Makes a cell one of another type."""

    event_name: ClassVar[str] = "v1.CellTypeChanged"
    id: str
    cell_type: CellType
    actor_id: str | UnsetType = UNSET


class CellDeleted(EventBase, frozen=True, kw_only=True):
    """Removes a cell; its outputs stay in their table."""

    event_name: ClassVar[str] = "v1.CellDeleted"
    id: str
    actor_id: str | UnsetType = UNSET


class CellMovedV1(EventBase, frozen=True, kw_only=True):
    """Moves a cell to a numbered position."""

    event_name: ClassVar[str] = "v1.CellMoved"
    id: str
    new_position: Number
    actor_id: str | UnsetType = UNSET


class CellMovedV2(EventBase, frozen=True, kw_only=True):
    """Gives a cell a new fractional index."""

    event_name: ClassVar[str] = "v2.CellMoved"
    id: str
    fractional_index: str
    actor_id: str | UnsetType = UNSET


class CellSourceVisibilityToggled(EventBase, frozen=True, kw_only=True):
    """Shows or hides a cell's source."""

    event_name: ClassVar[str] = "v1.CellSourceVisibilityToggled"
    id: str
    source_visible: bool
    actor_id: str | UnsetType = UNSET


class CellOutputVisibilityToggled(EventBase, frozen=True, kw_only=True):
    """Shows or hides a cell's outputs."""

    event_name: ClassVar[str] = "v1.CellOutputVisibilityToggled"
    id: str
    output_visible: bool
    actor_id: str | UnsetType = UNSET


class CellAiContextVisibilityToggled(EventBase, frozen=True, kw_only=True):
    """Shows a cell to AI cells, or hides it from them."""

    event_name: ClassVar[str] = "v1.CellAiContextVisibilityToggled"
    id: str
    ai_context_visible: bool
    actor_id: str | UnsetType = UNSET


class AiSettings(Struct, frozen=True, kw_only=True, rename="camel"):
    """How an AI cell asks its model."""

    temperature: Number | UnsetType = UNSET
    max_tokens: Number | UnsetType = UNSET
    system_prompt: str | UnsetType = UNSET


class AiSettingsChanged(EventBase, frozen=True, kw_only=True):
    """Sets the model of an AI cell."""

    event_name: ClassVar[str] = "v1.AiSettingsChanged"
    cell_id: str
    provider: str
    model: str
    settings: AiSettings


class SqlConnectionChanged(EventBase, frozen=True, kw_only=True):
    """Sets the connection of an SQL cell, or takes it away."""

    event_name: ClassVar[str] = "v1.SqlConnectionChanged"
    cell_id: str
    connection_id: str | UnsetType = UNSET
    changed_by: str


class SqlResultVariableChanged(EventBase, frozen=True, kw_only=True):
    """Names the variable for an SQL cell's result, or takes the name away."""

    event_name: ClassVar[str] = "v1.SqlResultVariableChanged"
    cell_id: str
    result_variable: str | UnsetType = UNSET
    changed_by: str
