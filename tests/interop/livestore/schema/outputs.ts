// What events about outputs do: the twin of runt_protocol/state/_outputs.py.
import { State } from "@livestore/livestore";
import { outputEvents, type Representation, type Representations } from "./events.ts";
import {
  artifactId,
  inlineText,
  nothingPrimary,
  primaryOfDisplay,
  primaryOfResult,
} from "./media.ts";
import { presence } from "./presence.ts";
import { tables } from "./tables.ts";

// deno-lint-ignore no-explicit-any -- LiveStore's own type does not infer across tables
type Query = (query: any) => any;

interface Place {
  id: string;
  cellId: string;
  position: number;
}

const { outputs, outputDeltas, pendingClears } = tables;

const put = (row: Parameters<typeof outputs.insert>[0]) =>
  outputs.insert(row).onConflict("id", "replace");

/** A clear that waited for the cell's next output. */
const pendingClear = (query: Query, cellId: string) =>
  query(pendingClears.where({ cellId })).length === 0
    ? []
    : [outputs.delete().where({ cellId }), pendingClears.delete().where({ cellId })];

const updateDisplays = (displayId: string, representations: Representations) => {
  const primary = primaryOfDisplay(representations);
  if (primary === undefined) return [];
  return [
    outputs
      .update({ ...primary, representations })
      .where({ displayId, outputType: "multimedia_display" }),
  ];
};

const text = (
  { id, cellId, position }: Place,
  content: Representation,
  outputType: string,
  mimeType: string,
) => ({
  id,
  cellId,
  position,
  outputType,
  mimeType,
  data: inlineText(content),
  artifactId: artifactId(content),
  metadata: content.metadata ?? null,
});

const append = (query: Query, outputId: string, content: Representation) => {
  const [output] = query(outputs.where({ id: outputId }));
  if (output === undefined) return [];
  const data = (output.data ?? "") + (inlineText(content) ?? "");
  return [outputs.update({ data }).where({ id: outputId })];
};

export const outputMaterialisers = State.SQLite.materializers(outputEvents, {
  "v1.MultimediaDisplayOutputAdded": (
    { id, cellId, position, representations, displayId },
    { query },
  ) => [
    ...pendingClear(query, cellId),
    ...(displayId ? updateDisplays(displayId, representations) : []),
    put({
      id,
      cellId,
      position,
      outputType: "multimedia_display",
      displayId: displayId || null,
      ...(primaryOfDisplay(representations) ?? nothingPrimary),
      metadata: null, // stored as JSON's null, not as SQL's
      representations,
    }),
  ],
  "v1.MultimediaDisplayOutputUpdated": ({ displayId, representations }) =>
    updateDisplays(displayId, representations),
  "v1.MultimediaResultOutputAdded": (
    { id, cellId, position, representations, executionCount },
    { query },
  ) => [
    ...pendingClear(query, cellId),
    put({
      id,
      cellId,
      position,
      outputType: "multimedia_result",
      executionCount,
      ...(primaryOfResult(representations) ?? nothingPrimary),
      metadata: null,
      representations,
    }),
  ],
  "v1.TerminalOutputAdded": ({ content, streamName, ...place }, { query }) => [
    ...pendingClear(query, place.cellId),
    put({ ...text(place, content, "terminal", "text/plain"), streamName }),
  ],
  "v1.TerminalOutputAppended": ({ outputId, content }, { query }) =>
    append(query, outputId, content),
  "v2.TerminalOutputAppended": (delta) => outputDeltas.insert(delta),
  "v1.MarkdownOutputAdded": ({ content, ...place }, { query }) => [
    ...pendingClear(query, place.cellId),
    put(text(place, content, "markdown", "text/markdown")),
  ],
  "v1.MarkdownOutputAppended": ({ outputId, content }, { query }) =>
    append(query, outputId, content),
  "v2.MarkdownOutputAppended": (delta) => outputDeltas.insert(delta),
  "v1.ErrorOutputAdded": ({ content, ...place }, { query }) => [
    ...pendingClear(query, place.cellId),
    put({
      ...text(place, content, "error", "application/json"),
      data: content.type === "inline" ? JSON.stringify(content.data) : null,
    }),
  ],
  "v1.CellOutputsCleared": ({ cellId, wait, clearedBy }) => [
    wait
      ? pendingClears.insert({ cellId, clearedBy }).onConflict("cellId", "replace")
      : outputs.delete().where({ cellId }),
    ...(clearedBy ? [presence(clearedBy, cellId)] : []),
  ],
  "v1.AllOutputsCleared": () => [outputs.delete(), pendingClears.delete()],
});
