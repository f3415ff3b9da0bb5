// What events about cells do: the twin of runt_protocol/state/_cells.py.
import { State } from "@livestore/livestore";
import { cellEvents } from "./events.ts";
import { presence, presenceOf } from "./presence.ts";
import { tables } from "./tables.ts";

const { cells } = tables;

const indexOfPosition = (position: number) => "a" + Math.floor(position).toString(36);

export const cellMaterialisers = State.SQLite.materializers(cellEvents, {
  "v1.CellCreated": ({ id, cellType, position, createdBy, actorId }) => [
    cells
      .insert({ id, cellType, fractionalIndex: indexOfPosition(position), createdBy })
      .onConflict("id", "ignore"),
    presence(actorId || createdBy, id),
  ],
  "v2.CellCreated": ({ id, fractionalIndex, cellType, createdBy }) => [
    cells
      .insert({ id, cellType, fractionalIndex, createdBy })
      .onConflict("id", "ignore"),
    presence(createdBy, id),
  ],
  "v1.CellSourceChanged": ({ id, source, modifiedBy }) => [
    cells.update({ source }).where({ id }),
    presence(modifiedBy, id),
  ],
  "v1.CellTypeChanged": ({ id, cellType, actorId }) => [
    cells.update({ cellType }).where({ id }),
    ...presenceOf(actorId, id),
  ],
  "v1.CellDeleted": ({ id, actorId }) => [
    cells.delete().where({ id }),
    ...presenceOf(actorId, id),
  ],
  "v1.CellMoved": ({ id, newPosition, actorId }) => [
    cells.update({ fractionalIndex: indexOfPosition(newPosition) }).where({ id }),
    ...presenceOf(actorId, id),
  ],
  "v2.CellMoved": ({ id, fractionalIndex, actorId }) => [
    cells.update({ fractionalIndex }).where({ id }),
    ...presenceOf(actorId, id),
  ],
  "v1.CellSourceVisibilityToggled": ({ id, sourceVisible, actorId }) => [
    cells.update({ sourceVisible }).where({ id }),
    ...presenceOf(actorId, id),
  ],
  "v1.CellOutputVisibilityToggled": ({ id, outputVisible, actorId }) => [
    cells.update({ outputVisible }).where({ id }),
    ...presenceOf(actorId, id),
  ],
  "v1.CellAiContextVisibilityToggled": ({ id, aiContextVisible, actorId }) => [
    cells.update({ aiContextVisible }).where({ id }),
    ...presenceOf(actorId, id),
  ],
  "v1.AiSettingsChanged": ({ cellId, provider, model, settings }) =>
    cells
      .update({ aiProvider: provider, aiModel: model, aiSettings: settings })
      .where({ id: cellId }),
  "v1.SqlConnectionChanged": ({ cellId, connectionId }) =>
    cells.update({ sqlConnectionId: connectionId ?? null }).where({ id: cellId }),
  "v1.SqlResultVariableChanged": ({ cellId, resultVariable }) =>
    cells.update({ sqlResultVariable: resultVariable ?? null }).where({ id: cellId }),
});
