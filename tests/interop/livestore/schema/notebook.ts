// What events about the notebook, its people and its files do: the twin of
// runt_protocol/state/_notebook.py.
import { State } from "@livestore/livestore";
import { notebookEvents } from "./events.ts";
import { presence } from "./presence.ts";
import { tables } from "./tables.ts";

const { actors, debug, files, notebookMetadata } = tables;

const setMetadata = (key: string, value: string) =>
  notebookMetadata.insert({ key, value }).onConflict("key", "replace");

export const notebookMaterialisers = State.SQLite.materializers(notebookEvents, {
  "v1.Debug": ({ id }) => debug.insert({ id }).onConflict("id", "ignore"),
  "v1.NotebookInitialized": ({ id, title, ownerId }) => [
    setMetadata("title", title),
    setMetadata("ownerId", ownerId),
    debug.insert({ id }).onConflict("id", "replace"),
  ],
  "v1.NotebookTitleChanged": ({ title }) => setMetadata("title", title),
  "v1.NotebookMetadataSet": ({ key, value }) => setMetadata(key, value),
  "v1.FileUploaded": ({ fileUrl, ...file }) =>
    files
      .insert({ ...file, fileUrl: fileUrl ?? null })
      .onConflict("fileName", "replace"),
  "v1.FileDeleted": ({ fileName }) => files.delete().where({ fileName }),
  "v2.FileDeleted": ({ fileName, deletedAt }) =>
    files.update({ deletedAt }).where({ fileName }),
  "v1.PresenceSet": ({ userId, cellId }) => presence(userId, cellId),
  "v1.ActorProfileSet": ({ id, type, displayName, avatar }) =>
    actors
      .insert({ id, type, displayName, avatar: avatar ?? null })
      .onConflict("id", "replace"),
});
