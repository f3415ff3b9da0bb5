/**
 * The guest thread: Pyodide, and in it `runt_kernel` with IPython.
 *
 * Everything here can be reached and changed by user code once the kernel is ready, so
 * nothing here is relied on for safety; the process's permissions and the supervisor
 * are.
 */
import { Calls } from "./calls.ts";
import type { FileSystem } from "./emscripten.ts";
import { FileClient, HostError } from "./file_client.ts";
import { HostFiles } from "./host_files.ts";
import { hasRoom, sent } from "./in_flight.ts";
import type { InFlight } from "./in_flight.ts";
import { makeImage, restore, startForImage, startFresh } from "./interpreter.ts";
import type { Pyodide } from "./interpreter.ts";
import { makeSchedule } from "./immediates.ts";
import {
  clearInterrupts,
  interruptBuffer,
  pause,
  takeInterrupt,
  waitForAnswer,
} from "./interrupts.ts";
import type { SharedInterrupts } from "./interrupts.ts";
import { capMemory } from "./memory.ts";
import { makeFetch, Network, NoWebSocket } from "./network.ts";
import { PackageView } from "./package_view.ts";
import { hearSignals } from "./thread_state.ts";
import { makeXMLHttpRequest } from "./xml_http_request.ts";

/** First message to the guest: what can begin before the supervisor speaks. */
export interface Boot {
  type: "boot";
  shared: SharedInterrupts;
  inFlight: InFlight;
  /** Directory of the Pyodide distribution, on the host. */
  distribution: string;
  /** The memory image to go on from, on the host; empty: start from nothing. */
  image: string;
}

/** Pyodide's code, compiled by the host thread while this one does other things. */
export interface Compiled {
  type: "compiled";
  module: WebAssembly.Module;
}

/** What the supervisor says first: where things are. All paths are the host's. */
export interface Initialize {
  type: "initialize";
  /** Directories that appear in site-packages from the start. */
  packages: string[];
  /** Directories of shared libraries that the linker finds from the start. */
  libraries: string[];
  /** Import names that a package of Pyodide's lock file provides. */
  importable: string[];
  mounts: GuestMount[];
  call_request: string;
  call_reply: string;
  /** A larger frame would end the kernel. */
  max_frame_bytes: number;
  /** How far Python's memory grows. */
  max_memory_bytes: number;
}

/** Instead of that: make a memory image of a kernel with these packages. */
export interface MakeImage {
  type: "make_image";
  packages: string[];
}

/** At any time: there is something for exchanges whose answers are awaited. */
export interface NetworkNews {
  type: "network_news";
  exchanges: number[];
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

/** What `runt_kernel` offers. */
interface KernelModule {
  prepare(): void;
  resume(): void;
  start(bridge: unknown, importable: string[], maxFrameBytes: number): Kernel;
}

interface Kernel {
  execute(head: string): Promise<string>;
  answer(head: string): string;
  cancel(force: boolean): void;
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

let shared: SharedInterrupts;
let inFlight: InFlight;
let distribution: string;
/** Settled when the interpreter is there; whether it goes on from an image. */
let booted: Promise<boolean>;
const compiled = Promise.withResolvers<WebAssembly.Module>();
let pyodide: Pyodide;
let kernel: Kernel;
let hostFiles: HostFiles;
const schedule = makeSchedule();
let network: Network;

async function boot(image: string): Promise<boolean> {
  if (image === "") return false; // which way to start is not known yet
  try {
    pyodide = await restore(distribution, image, compiled.promise);
    // While nobody waits for it, most of the time: the supervisor still starts, too.
    kernelModule().resume();
    return true;
  } catch (error) {
    console.error(`the memory image cannot be restored: ${error}`);
    return false;
  }
}

async function initialize(options: Initialize): Promise<void> {
  const calls = Calls.open(options.call_request, options.call_reply);
  const restored = await booted;
  if (!restored) pyodide = await startFresh(distribution, compiled.promise);
  pyodide._api.on_fatal = (error) => post({ type: "failed", reason: String(error) });
  pyodide._api.scheduleCallback = schedule;
  capMemory(pyodide._module.memory, options.max_memory_bytes);
  const packages = mountView(SITE_PACKAGES);
  for (const directory of options.packages) packages.add(directory);
  const libraries = mountView(SHARED_LIBRARIES);
  for (const directory of options.libraries) libraries.add(directory);
  hostFiles = mountHostFiles(calls, options.mounts);
  offerNetwork(calls);
  kernel = kernelModule().start(
    bridge(calls, packages, libraries),
    options.importable,
    options.max_frame_bytes,
  );
  postContent({ msg_type: "ready", restored });
}

async function sendImage(options: MakeImage): Promise<void> {
  const started = await startForImage(distribution, compiled.promise);
  pyodide = started.pyodide;
  // At its later place: modules in the memory know the paths of their files.
  const packages = mountView(SITE_PACKAGES);
  for (const directory of options.packages) packages.add(directory);
  kernelModule().prepare();
  const image = makeImage(started);
  postContent({ msg_type: "image" }, image);
}

function kernelModule(): KernelModule {
  return pyodide.pyimport("runt_kernel");
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

/** Let requests go to the supervisor, granted or not: its refusal names the flag. */
function offerNetwork(calls: Calls): void {
  network = new Network(calls);
  Object.assign(globalThis, {
    fetch: makeFetch(network, globalThis.fetch),
    XMLHttpRequest: makeXMLHttpRequest(network),
    WebSocket: NoWebSocket,
  });
}

/** What Python may ask of JavaScript. */
function bridge(calls: Calls, packages: PackageView, libraries: PackageView) {
  return {
    send: postFrame,
    has_room: () => hasRoom(inFlight),
    call: (method: string, parameters: string) => {
      hostFiles.disturb(); // what is answered may be newer than what was opened ahead
      return calls.call(method, parameters).head;
    },
    call_with_bytes: (method: string, parameters: string, tail?: Uint8Array) =>
      calls.call(method, parameters, tail),
    add_package: (hostPath: string) => packages.add(hostPath),
    add_library: (hostPath: string) => libraries.add(hostPath),
    remove_package: (hostPath: string) => packages.remove(hostPath),
    settle_files: settleFiles,
    take_interrupt: () => takeInterrupt(shared),
    pause: (seconds: number) => pause(shared, seconds),
    wait_for_answer: (question: number) => waitForAnswer(shared, question),
    schedule,
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

async function run(head: string, request: "execute" | "answer"): Promise<void> {
  pyodide.setInterruptBuffer(
    interruptBuffer(shared, () => hearSignals(pyodide._module)),
  );
  let reply: string;
  try {
    reply = await kernel[request](head);
  } finally {
    // Between cells nothing polls the buffer, so a late signal hits nobody.
    pyodide.setInterruptBuffer(undefined as unknown as Uint8Array);
    clearInterrupts(shared);
  }
  post({ type: "idle" }); // before the reply: the next cell may follow at once
  postFrame(reply);
}

function post(message: GuestMessage): void {
  scope.postMessage(message);
}

function postFrame(head: string, tail?: Uint8Array<ArrayBuffer>): void {
  sent(inFlight, head, tail);
  if (tail === undefined) return post({ type: "frame", head });
  scope.postMessage({ type: "frame", head, tail }, [tail.buffer]);
}

/** Say what belongs to no request. */
function postContent(content: object, tail?: Uint8Array<ArrayBuffer>): void {
  postFrame(JSON.stringify({ request: 0, content }), tail);
}

scope.onmessage = async ({ data }: MessageEvent) => {
  try {
    switch (data.type) {
      case "boot":
        ({ shared, inFlight, distribution } = data);
        booted = boot(data.image);
        break;
      case "compiled":
        compiled.resolve(data.module);
        break;
      case "initialize":
        await initialize(data);
        break;
      case "make_image":
        await sendImage(data);
        break;
      case "network_news":
        network.takeNews(data.exchanges);
        break;
      case "cancel":
        Atomics.store(shared.signal, 0, 0); // else it would hit the call below
        kernel.cancel(data.force);
        break;
      case "flush":
        kernel.flush();
        post({ type: "flushed" });
        break;
      case "request":
        await run(data.head, "answer");
        break;
      case "execute":
        await run(data.head, "execute");
    }
  } catch (error) {
    post({ type: "failed", reason: String(error) });
  }
};

// Deno ends a thread without telling anybody. Where guest code does so in other ways, the
// supervisor sees it by the end of file on the FIFO of calls.
self.close = Deno.exit = () => {
  const reason = "guest code ended its own thread";
  post({ type: "failed", reason });
  throw new Error(reason);
};

// Failures of the interpreter itself are told by `on_fatal`. A task that ends by
// KeyboardInterrupt also raises in JavaScript, where nobody waits for it; Deno would
// end the thread for that.
scope.addEventListener("unhandledrejection", (event) => event.preventDefault());
