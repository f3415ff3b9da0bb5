/**
 * The host thread: relays frames between the supervisor's control FIFOs and the guest.
 *
 * It never runs user code, so it can always interrupt. It opens the two control FIFOs
 * and gives up the right to, before the guest exists: worker threads inherit what is
 * left, and so guest code can never speak on them. End of file means that the
 * supervisor has gone, and ends the process; so does a FIFO that has no other end.
 */
import { encodeFrame, readFrames, writeAll } from "./frames.ts";
import { arrived, makeInFlight } from "./in_flight.ts";
import { answered, Interrupter, makeSharedInterrupts } from "./interrupts.ts";
import type {
  Boot,
  Compiled,
  GuestMessage,
  Initialize,
  MakeImage,
  NetworkNews,
} from "./guest.ts";

/** The supervisor holds both FIFOs open; one that has gone would be waited for. */
const OPEN_TIMEOUT_MS = 10_000;

const [controlIn, controlOut, distribution, image] = Deno.args;
const alone = setTimeout(() => Deno.exit(1), OPEN_TIMEOUT_MS);
const requests = await Deno.open(controlIn, { read: true });
const replies = await Deno.open(controlOut, { write: true });
clearTimeout(alone);
await Deno.permissions.revoke({ name: "read", path: controlIn });
await Deno.permissions.revoke({ name: "write", path: controlOut });

// The largest work of a start is begun first, and in this thread: the guest's has
// enough to do.
const compiled = Deno
  .readFile(`${distribution}/pyodide.asm.wasm`)
  .then((bytes) => WebAssembly.compile(bytes));

let written = Promise.resolve();
function reply(head: string, tail?: Uint8Array): void {
  written = written.then(() => writeAll(replies, encodeFrame(head, tail)));
}

const inFlight = makeInFlight();
function relay(head: string, tail?: Uint8Array): void {
  reply(head, tail);
  written = written.then(() => arrived(inFlight, head, tail));
}

function fail(reason: string): void {
  const content = { msg_type: "fatal", reason: reason.slice(0, 4000) };
  reply(JSON.stringify({ request: 0, content }));
  written.finally(() => Deno.exit(1));
}

const shared = makeSharedInterrupts();
const guest = new Worker(new URL("./guest.ts", import.meta.url), {
  type: "module",
  name: "guest",
});
const boot: Boot = { type: "boot", shared, inFlight, distribution, image };
guest.postMessage(boot);
compiled.then((module) => {
  const message: Compiled = { type: "compiled", module };
  guest.postMessage(message);
});
const interrupter = new Interrupter(shared, (message) => guest.postMessage(message));

// Guest code can post here too: what does not fit is dropped, and what a frame says is
// judged by the supervisor.
guest.onmessage = ({ data }: MessageEvent<GuestMessage | undefined>) => {
  if (data?.type === "frame" && typeof data.head === "string") {
    relay(data.head, data.tail instanceof Uint8Array ? data.tail : undefined);
  } else if (data?.type === "idle") interrupter.executionEnded();
  else if (data?.type === "flushed") interrupter.flushed();
  else if (data?.type === "failed") fail(String(data.reason));
};
guest.onerror = (event) => {
  event.preventDefault();
  fail(event.message);
};

for await (const { head } of readFrames(requests)) {
  const { request, content } = JSON.parse(head);
  switch (content.msg_type) {
    case "initialize":
    case "make_image": {
      const first: Initialize | MakeImage = { type: content.msg_type, ...content };
      guest.postMessage(first);
      break;
    }
    case "network_news": {
      const news: NetworkNews = { type: content.msg_type, ...content };
      guest.postMessage(news);
      break;
    }
    case "input_news":
      answered(shared, content.question);
      break;
    case "interrupt_request":
      interrupter.interrupt(request, content.force);
      break;
    default:
      // A completion can hang as well as a cell: all can be interrupted.
      interrupter.executionStarted(request);
      guest.postMessage({
        type: content.msg_type === "execute_request" ? "execute" : "request",
        head,
      });
  }
}
Deno.exit(0);
