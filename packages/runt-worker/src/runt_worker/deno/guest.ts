/**
 * The guest thread: Pyodide, and in it `runt_kernel` with IPython.
 *
 * Everything here can be reached and changed by user code once the kernel is ready, so
 * nothing here is relied on for safety; the process's permissions and the supervisor
 * are.
 */
import type { PyodideInterface } from "pyodide";
import { Calls } from "./calls.ts";
import type { EmscriptenModule, FileSystem } from "./emscripten.ts";
import { FileClient, HostError } from "./file_client.ts";
import { HostFiles } from "./host_files.ts";
import { clearInterrupts, takeInterrupt } from "./interrupts.ts";
import type { SharedInterrupts } from "./interrupts.ts";
import { PackageView } from "./package_view.ts";

/** First message to the guest: where things are. All paths are the host's. */
export interface Initialize {
  type: "initialize";
  shared: SharedInterrupts;
  /** Directory of the Pyodide distribution. */
  distribution: string;
  /** Directories that appear in site-packages from the start. */
  packages: string[];
  /** Import names that a package of Pyodide's lock file provides. */
  importable: string[];
  mounts: GuestMount[];
  call_request: string;
  call_reply: string;
  /** A larger frame would end the kernel. */
  max_frame_bytes: number;
}

/** A host directory of the supervisor's table, by its number there. */
export interface GuestMount {
  guest_path: string;
  /** A second name beside it, which is not listed. */
  alias: string | null;
}

export type GuestMessage =
  | { type: "frame"; head: string; tail?: Uint8Array }
  | { type: "idle" }
  | { type: "flushed" }
  | { type: "failed"; reason: string };

/** What `runt_kernel.start` returns. */
interface Kernel {
  execute(head: string): Promise<string>;
  answer(head: string): void;
  cancel(): void;
  flush(): void;
}

const MOUNT_POINT = "/mnt";
const SITE_PACKAGES = "/lib/python3.14/site-packages";
/** Where the dynamic linker looks, by Pyodide's LD_LIBRARY_PATH. */
const SHARED_LIBRARIES = "/usr/lib";
const scope = self as unknown as {
  postMessage(message: GuestMessage, transfer?: Transferable[]): void;
  onmessage: (event: MessageEvent) => void;
  addEventListener: typeof self.addEventListener;
};

let pyodide: PyodideInterface & {
  _module: EmscriptenModule;
  _api: { on_fatal: (error: unknown) => void };
};
let shared: SharedInterrupts;
let kernel: Kernel;
let hostFiles: HostFiles;

async function initialize(options: Initialize): Promise<void> {
  shared = options.shared;
  const calls = Calls.open(options.call_request, options.call_reply);
  const { loadPyodide } = await import(`file://${options.distribution}/pyodide.mjs`);
  pyodide = await loadPyodide({
    indexURL: `${options.distribution}/`,
    env: {
      HOME: "/home/pyodide",
      MPLBACKEND: "module://matplotlib_inline.backend_inline",
      PYTHONDONTWRITEBYTECODE: "1",
    },
  });
  pyodide._api.on_fatal = (error) => post({ type: "failed", reason: String(error) });
  const packages = mountView(SITE_PACKAGES);
  for (const directory of options.packages) packages.add(directory);
  const libraries = mountView(SHARED_LIBRARIES);
  hostFiles = mountHostFiles(calls, options.mounts);
  kernel = pyodide.pyimport("runt_kernel").start(
    bridge(calls, packages, libraries),
    options.importable,
    options.max_frame_bytes,
  );
  post({ type: "frame", head: `{"request":0,"content":{"msg_type":"ready"}}` });
}

function mountView(path: string): PackageView {
  const fs = pyodide.FS as unknown as FileSystem;
  const view = new PackageView(fs, pyodide._module);
  fs.mkdirTree(path);
  fs.mount(view, {}, path);
  return view;
}

function mountHostFiles(calls: Calls, mounts: GuestMount[]): HostFiles {
  const fs = pyodide.FS as unknown as FileSystem;
  const codes = pyodide.ERRNO_CODES as Record<string, number>;
  const files = new HostFiles(fs, pyodide._module, codes, new FileClient(calls));
  fs.mkdirTree(MOUNT_POINT);
  for (const [number, { guest_path, alias }] of mounts.entries()) {
    files.mount(number, guest_path);
    const name = guest_path.slice(MOUNT_POINT.length + 1);
    if (alias !== null) files.alias(MOUNT_POINT, alias, name);
  }
  return files;
}

/** What Python may ask of JavaScript. */
function bridge(calls: Calls, packages: PackageView, libraries: PackageView) {
  return {
    send: (head: string, tail?: Uint8Array) => {
      if (tail === undefined) return post({ type: "frame", head });
      const transfer = [tail.buffer as ArrayBuffer];
      scope.postMessage({ type: "frame", head, tail }, transfer);
    },
    call: (method: string, parameters: string) => calls.call(method, parameters).head,
    add_package: (hostPath: string) => packages.add(hostPath),
    add_library: (hostPath: string) => libraries.add(hostPath),
    settle_files: settleFiles,
    take_interrupt: () => takeInterrupt(shared),
    pause,
  };
}

/** Write out what is gathered; return the name of the errno if that fails, or "". */
function settleFiles(): string {
  try {
    hostFiles.settle();
    return "";
  } catch (error) {
    if (error instanceof HostError) return error.code;
    throw error;
  }
}

const asleep = new Int32Array(new SharedArrayBuffer(4));

function pause(seconds: number): void {
  Atomics.wait(asleep, 0, 0, seconds * 1000);
}

async function execute(head: string): Promise<void> {
  pyodide.setInterruptBuffer(shared.signal);
  let reply: string;
  try {
    reply = await kernel.execute(head);
  } finally {
    // Between cells nothing polls the buffer, so a late signal hits nobody.
    pyodide.setInterruptBuffer(undefined as unknown as Uint8Array);
    clearInterrupts(shared);
  }
  post({ type: "idle" }); // before the reply: the next cell may follow at once
  post({ type: "frame", head: reply });
}

function post(message: GuestMessage): void {
  scope.postMessage(message);
}

scope.onmessage = async ({ data }: MessageEvent) => {
  try {
    switch (data.type) {
      case "initialize":
        await initialize(data);
        break;
      case "cancel":
        Atomics.store(shared.signal, 0, 0); // else it would hit the call below
        kernel.cancel();
        break;
      case "flush":
        kernel.flush();
        post({ type: "flushed" });
        break;
      case "request":
        kernel.answer(data.head);
        break;
      case "execute":
        await execute(data.head);
    }
  } catch (error) {
    post({ type: "failed", reason: String((error as Error)?.stack ?? error) });
  }
};

// Deno ends a thread without telling anybody. That guest code can do so in other ways
// harms itself only: its cell hangs until it is cancelled.
self.close = Deno.exit = () => {
  const reason = "guest code ended its own thread";
  post({ type: "failed", reason });
  throw new Error(reason);
};

// Failures of the interpreter itself are told by `on_fatal`. A task that ends by
// KeyboardInterrupt also raises in JavaScript, where nobody waits for it; Deno would
// end the thread for that.
scope.addEventListener("unhandledrejection", (event) => event.preventDefault());
