// The real sync server in workerd, with its database in memory; ends with its stdin.
// Arguments: the token that it accepts, and the bundle of worker.ts.
import "./quiet.ts";
import { Log, LogLevel, Miniflare } from "miniflare";
import { serveLines, tell } from "./lines.ts";

const [authToken, bundle] = Deno.args;

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  cf: false, // else it asks its maker's service about this machine
  log: new Log(LogLevel.ERROR),
  modules: [
    { type: "ESModule", path: "worker.mjs", contents: Deno.readTextFileSync(bundle) },
  ],
  compatibilityDate: "2025-05-08",
  compatibilityFlags: ["nodejs_compat"],
  bindings: { ADMIN_SECRET: "unused", AUTH_TOKEN: authToken },
  d1Databases: { DB: "events" },
  durableObjects: {
    WEBSOCKET_SERVER: { className: "WebSocketServer", useSQLite: true },
  },
});
const { port } = await miniflare.ready;
tell({ ok: `ws://127.0.0.1:${port}/livestore` });
await serveLines(() => {
  throw new Error("The server takes no commands");
});
await miniflare.dispose();
Deno.exit(0);
