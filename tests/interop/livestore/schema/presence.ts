import { tables } from "./tables.ts";

/** Says that somebody is in a cell now; an empty cell id means in none. */
export const presence = (userId: string, cellId: string | undefined) =>
  tables.presence
    .insert({ userId, cellId: cellId || null })
    .onConflict("userId", "replace");

/** The same for an actor that an event may name. */
export const presenceOf = (actorId: string | undefined, cellId: string) =>
  actorId ? [presence(actorId, cellId)] : [];
