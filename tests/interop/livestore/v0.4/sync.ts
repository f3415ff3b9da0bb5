// How a client of LiveStore 0.4 reaches its sync server.
import { makeWsSync } from "@livestore/sync-cf/client";

export const makeSync = (url: string) => makeWsSync({ url });
