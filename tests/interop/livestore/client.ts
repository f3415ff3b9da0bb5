// Real LiveStore clients, driven by a test over JSON lines: {"do": command, …}.
import "./quiet.ts";
import { type Request, serveLines, tell } from "./lines.ts";
import { NotebookStore } from "./store.ts";

const pollMs = 10;
let store: NotebookStore | undefined;

const opened = () => {
  if (store === undefined) throw new Error("No store is open");
  return store;
};

async function waitFor(request: Request) {
  const deadline = Date.now() + request.timeoutMs;
  for (;;) {
    const status = opened().status();
    const isThere = status.head >= (request.head ?? 0) &&
      status.localHead >= (request.localHead ?? 0) &&
      status.connected === (request.connected ?? status.connected);
    if (isThere) return status;
    if (Date.now() > deadline) throw new Error(`Timeout at ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

const commands: Record<string, (request: Request) => unknown> = {
  open: async (request) => {
    store = await NotebookStore.open(request);
    return store.status();
  },
  commit: ({ events }) => opened().commit(events),
  wait: waitFor,
  status: () => opened().status(),
  dump: () => opened().dump(),
  eventlog: () => opened().eventLog(),
  close: async () => {
    await opened().close();
    store = undefined;
  },
};

tell({ ok: "ready" });
await serveLines((request) => {
  const command = commands[request.do];
  if (command === undefined) throw new Error(`There is no command ${request.do}`);
  return command(request);
});
Deno.exit(0);
