"""What events about cells do to the tables."""

from runt_protocol._javascript import base36
from runt_protocol.events import (
    AiSettingsChanged,
    CellAiContextVisibilityToggled,
    CellCreatedV1,
    CellCreatedV2,
    CellDeleted,
    CellMovedV1,
    CellMovedV2,
    CellOutputVisibilityToggled,
    CellSourceChanged,
    CellSourceVisibilityToggled,
    CellTypeChanged,
    SqlConnectionChanged,
    SqlResultVariableChanged,
)
from runt_protocol.state._registry import Family, move_presence, none_if_unset
from runt_protocol.state._rows import CellRow
from runt_protocol.state._tables import Tables

materialises = Family()


@materialises(CellCreatedV1)
def cell_created_v1(tables: Tables, event: CellCreatedV1) -> None:
    tables.cells.put_if_absent(
        CellRow(
            id=event.id,
            cell_type=event.cell_type,
            fractional_index=index_of_position(event.position),
            created_by=event.created_by,
        )
    )
    move_presence(tables, event.actor_id or event.created_by, event.id)


@materialises(CellCreatedV2)
def cell_created_v2(tables: Tables, event: CellCreatedV2) -> None:
    tables.cells.put_if_absent(
        CellRow(
            id=event.id,
            cell_type=event.cell_type,
            fractional_index=event.fractional_index,
            created_by=event.created_by,
        )
    )
    move_presence(tables, event.created_by, event.id)


@materialises(CellSourceChanged)
def cell_source_changed(tables: Tables, event: CellSourceChanged) -> None:
    tables.cells.update(event.id, source=event.source)
    move_presence(tables, event.modified_by, event.id)


@materialises(CellTypeChanged)
def cell_type_changed(tables: Tables, event: CellTypeChanged) -> None:
    tables.cells.update(event.id, cell_type=event.cell_type)
    move_named_actor(tables, event)


@materialises(CellDeleted)
def cell_deleted(tables: Tables, event: CellDeleted) -> None:
    tables.cells.delete(event.id)
    move_named_actor(tables, event)


@materialises(CellMovedV1)
def cell_moved_v1(tables: Tables, event: CellMovedV1) -> None:
    index = index_of_position(event.new_position)
    tables.cells.update(event.id, fractional_index=index)
    move_named_actor(tables, event)


@materialises(CellMovedV2)
def cell_moved_v2(tables: Tables, event: CellMovedV2) -> None:
    tables.cells.update(event.id, fractional_index=event.fractional_index)
    move_named_actor(tables, event)


@materialises(CellSourceVisibilityToggled)
def cell_source_visibility_toggled(
    tables: Tables, event: CellSourceVisibilityToggled
) -> None:
    tables.cells.update(event.id, source_visible=event.source_visible)
    move_named_actor(tables, event)


@materialises(CellOutputVisibilityToggled)
def cell_output_visibility_toggled(
    tables: Tables, event: CellOutputVisibilityToggled
) -> None:
    tables.cells.update(event.id, output_visible=event.output_visible)
    move_named_actor(tables, event)


@materialises(CellAiContextVisibilityToggled)
def cell_ai_context_visibility_toggled(
    tables: Tables, event: CellAiContextVisibilityToggled
) -> None:
    tables.cells.update(event.id, ai_context_visible=event.ai_context_visible)
    move_named_actor(tables, event)


@materialises(AiSettingsChanged)
def ai_settings_changed(tables: Tables, event: AiSettingsChanged) -> None:
    tables.cells.update(
        event.cell_id,
        ai_provider=event.provider,
        ai_model=event.model,
        ai_settings=event.settings,
    )


@materialises(SqlConnectionChanged)
def sql_connection_changed(tables: Tables, event: SqlConnectionChanged) -> None:
    connection = none_if_unset(event.connection_id)
    tables.cells.update(event.cell_id, sql_connection_id=connection)


@materialises(SqlResultVariableChanged)
def sql_result_variable_changed(
    tables: Tables, event: SqlResultVariableChanged
) -> None:
    variable = none_if_unset(event.result_variable)
    tables.cells.update(event.cell_id, sql_result_variable=variable)


def index_of_position(position: float) -> str:
    """Turn the numbered position of old events into a fractional index."""
    return "a" + base36(position)


def move_named_actor(
    tables: Tables,
    event: CellTypeChanged
    | CellDeleted
    | CellMovedV1
    | CellMovedV2
    | CellSourceVisibilityToggled
    | CellOutputVisibilityToggled
    | CellAiContextVisibilityToggled,
) -> None:
    """Move the presence of an actor, if the event names one."""
    if event.actor_id:
        move_presence(tables, event.actor_id, event.id)
