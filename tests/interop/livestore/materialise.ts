// Has LiveStore carry out lists of events, each in a new store without a server.
// A request is a list of events; its answer tells the tables after as many of them as
// LiveStore could take, and what it said of the first that it could not.
import "./quiet.ts";
import { type Request, serveLines, tell } from "./lines.ts";
import { type EventInput, NotebookStore } from "./store.ts";

let stores = 0;

async function materialise(events: EventInput[]) {
  const store = await NotebookStore.open({
    storeId: `store-${++stores}`,
    clientId: "javascript",
  });
  let taken = 0;
  let refusal: string | null = null;
  try {
    for (const event of events) {
      store.commit([event]);
      taken += 1;
    }
  } catch (error) {
    refusal = String(error);
  }
  await store.untilLocalHead(taken);
  const tables = store.dump();
  await store.close();
  return { taken, refusal, tables };
}

tell({ ok: "ready" });
await serveLines((request: Request) => materialise(request));
Deno.exit(0);
