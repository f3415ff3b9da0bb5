// A real LiveStore client of a Runt notebook, and a look at its databases.
import { makeAdapter } from "@livestore/adapter-node";
import { createStorePromise, type Store } from "@livestore/livestore";
import { makeSync } from "./sync.ts";
import { Effect, Schema, SubscriptionRef } from "@livestore/utils/effect";
import { schema } from "./schema/mod.ts";

export interface StoreOptions {
  storeId: string;
  clientId: string;
  /** Where its sync server is; without one the store stays by itself. */
  url?: string;
  authToken?: string;
  /** How long the first pull may hold up its opening; 0 to open without it. */
  initialSyncMs?: number;
  /** A folder to keep the databases in; without one they are in memory. */
  folder?: string;
}

export interface EventInput {
  name: string;
  /** As on the wire; absent for the event that has none. */
  args?: unknown;
}

interface Database {
  // deno-lint-ignore no-explicit-any -- rows of any table
  select(sql: string): any[];
}

interface LeaderContext {
  dbState: Database;
  dbEventlog: Database;
  syncProcessor: {
    syncState: { get: Effect.Effect<{ upstreamHead: { global: number } }> };
  };
  syncBackend?: { isConnected: SubscriptionRef.SubscriptionRef<boolean> };
}

const defaultInitialSyncMs = 30_000;
const localPushTimeoutMs = 10_000;

export class NotebookStore {
  private constructor(
    private readonly store: Store,
    private readonly leader: LeaderContext,
  ) {}

  static async open(options: StoreOptions) {
    const { storeId, clientId, url, authToken, folder } = options;
    const { initialSyncMs = defaultInitialSyncMs } = options;
    const adapter = makeAdapter({
      storage: folder ? { type: "fs", baseDirectory: folder } : { type: "in-memory" },
      clientId,
      sessionId: `${clientId}-session`,
      sync: url === undefined ? undefined : {
        backend: makeSync(url),
        initialSyncOptions: initialSyncMs === 0
          ? { _tag: "Skip" }
          : { _tag: "Blocking", timeout: initialSyncMs },
        onSyncError: "ignore",
      },
    });
    const store = await createStorePromise({
      adapter,
      schema,
      storeId,
      syncPayload: { authToken: authToken ?? null },
      batchUpdates: (run: () => void) => run(),
    });
    // LiveStore leaves this for its own debugging; the newest store's is there.
    const { __leaderThreadCtx } = globalThis as unknown as {
      __leaderThreadCtx: LeaderContext;
    };
    // Which events are committed is known at run time only, not by type.
    return new NotebookStore(store as unknown as Store, __leaderThreadCtx);
  }

  commit(inputs: EventInput[]) {
    this.store.commit(...inputs.map(decode));
  }

  status() {
    const { syncBackend: backend, syncProcessor } = this.leader;
    // Set once the tables show it; what the event log says runs ahead of them.
    const { upstreamHead } = Effect.runSync(syncProcessor.syncState.get);
    const [{ localHead }] = this.leader.dbEventlog.select(
      "select coalesce(max(seqNumGlobal), 0) as localHead from eventlog",
    );
    const connected = backend !== undefined &&
      Effect.runSync(SubscriptionRef.get(backend.isConnected));
    return { head: upstreamHead.global, localHead, connected };
  }

  /** Waits until the leader, which works behind the store, has as many events. */
  async untilLocalHead(head: number) {
    const deadline = Date.now() + localPushTimeoutMs;
    while (this.status().localHead < head) {
      if (Date.now() > deadline) throw new Error("The leader has not taken all events");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Every row of every table of the notebook, as SQLite holds it, by primary key. */
  dump() {
    const { dbState } = this.leader;
    const names = dbState
      .select("select name from sqlite_master where type = 'table' order by name")
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("__livestore"));
    return Object.fromEntries(
      names.map((name) => [name, dbState.select(`select * from "${name}" order by 1`)]),
    );
  }

  eventLog() {
    return this.leader.dbEventlog.select(
      "select * from eventlog order by seqNumGlobal, seqNumClient",
    );
  }

  close() {
    return this.store.shutdown();
  }
}

function decode({ name, args }: EventInput) {
  const definition = schema.eventsDefsMap.get(name);
  if (definition === undefined) throw new Error(`There is no event ${name}`);
  return { name, args: Schema.decodeUnknownSync(definition.schema)(args) };
}
