// How a client of LiveStore 0.3 reaches its sync server; v0.4 has a file in its place.
import { makeCfSync } from "@livestore/sync-cf";

export const makeSync = (url: string) => makeCfSync({ url });
