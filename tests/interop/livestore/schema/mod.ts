// The Runt notebook as a LiveStore schema, written from the protocol's description and
// held against recorded tables of the web application's own schema.
import { makeSchema, State } from "@livestore/livestore";
import { cellMaterialisers } from "./cells.ts";
import { events } from "./events.ts";
import { executionMaterialisers } from "./executions.ts";
import { notebookMaterialisers } from "./notebook.ts";
import { outputMaterialisers } from "./outputs.ts";
import { tables } from "./tables.ts";

const materializers = {
  ...notebookMaterialisers,
  ...cellMaterialisers,
  ...executionMaterialisers,
  ...outputMaterialisers,
};

export const schema = makeSchema({
  events,
  state: State.SQLite.makeState({ tables, materializers }),
});
