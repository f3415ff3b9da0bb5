/**
 * `fetch` of the guest: the supervisor makes the requests.
 *
 * This process has no right to connect to anything. What is asked here goes over the
 * calls to the supervisor, which decides by what was granted; whoever takes Deno's own
 * `fetch` instead, in a worker of its own for example, is refused by Deno.
 */
import type { Answer, Calls } from "./calls.ts";

/** A part of a body that one call carries. */
const PART_BYTES = 1024 * 1024;
const NO_CONTENT = new Set([204, 205, 304]);
/** What is asked for whatever the caller says: callers of `fetch` never decode. */
const CODINGS = new Set<CompressionFormat>(["gzip", "deflate"]);
/** Headers that say how a message is framed; each connection has its own. */
const OF_CONNECTION = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "transfer-encoding",
]);
const NO_WEBSOCKETS =
  "there are no WebSockets in the sandbox: only HTTP can be granted, by --allow-net";

type Redirect = "follow" | "manual" | "error";

export interface HttpRequest {
  method: string;
  url: string;
  headers: [string, string][];
  redirect: Redirect;
  body?: Uint8Array;
}

export interface Head {
  status: number;
  reason: string;
  url: string;
  redirected: boolean;
  headers: [string, string][];
}

/** What there was of an answer. */
export interface Part {
  head?: Head;
  bytes: Uint8Array<ArrayBuffer>;
  ended: boolean;
}

/** The requests of this thread, by the numbers that the supervisor gave them. */
export class Network {
  readonly #calls: Calls;
  readonly #awaiting = new Map<number, () => void>();

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Begin a request; throws where it is not granted. */
  start({ body, ...request }: HttpRequest): Exchange {
    const has_body = body !== undefined && body.length > 0;
    const { host } = new URL(request.url);
    const headers = request.headers.filter(([name, value]) =>
      !OF_CONNECTION.has(name.toLowerCase()) &&
      !(name.toLowerCase() === "host" && value === host)
    );
    const answer = this.ask("http_request", { ...request, headers, has_body });
    const exchange = new Exchange(this, answer.exchange as number);
    if (has_body) exchange.send(body);
    return exchange;
  }

  ask(method: string, parameters: object, tail?: Uint8Array): Answer {
    const { answer } = this.#calls.call(method, JSON.stringify(parameters), tail);
    return checked(answer);
  }

  receive(exchange: number, waits: boolean): Part {
    const { answer, tail } = this.#calls.call(
      "http_receive",
      JSON.stringify({ exchange, waits }),
    );
    const { head, ended } = checked(answer) as { head?: Head; ended?: boolean };
    return { head, bytes: tail as Uint8Array<ArrayBuffer>, ended: ended ?? false };
  }

  close(exchange: number): void {
    this.#calls.tellLater("http_close", JSON.stringify({ exchange }));
    this.#calls.sendWaiting();
    this.#wake(exchange);
  }

  /** Wait until the supervisor says that there is something. */
  news(exchange: number): Promise<void> {
    return new Promise((resolve) => this.#awaiting.set(exchange, resolve));
  }

  /** The supervisor has something for these. */
  takeNews(exchanges: number[]): void {
    for (const exchange of exchanges) this.#wake(exchange);
  }

  #wake(exchange: number): void {
    const resolve = this.#awaiting.get(exchange);
    this.#awaiting.delete(exchange);
    resolve?.();
  }
}

/** One request and its answer. */
export class Exchange {
  readonly #network: Network;
  readonly number: number;
  #isOpen = true;

  constructor(network: Network, number: number) {
    this.#network = network;
    this.number = number;
  }

  send(body: Uint8Array): void {
    for (let at = 0; at < body.length; at += PART_BYTES) {
      const part = body.subarray(at, at + PART_BYTES);
      const is_last = at + PART_BYTES >= body.length;
      this.#network.ask("http_body", { exchange: this.number, is_last }, part);
    }
  }

  /** Return what there is, perhaps nothing; with `waits`, after a moment at most. */
  receive(waits: boolean): Part {
    if (!this.#isOpen) throw closed();
    try {
      const part = this.#network.receive(this.number, waits);
      if (part.ended) this.#isOpen = false;
      return part;
    } catch (error) {
      this.close(); // where it was interrupted, the supervisor still has it
      throw error;
    }
  }

  /** Return the next part that is not empty, or the last one. */
  async next(): Promise<Part> {
    while (true) {
      const part = this.receive(false);
      if (part.head !== undefined || part.bytes.length > 0 || part.ended) return part;
      await this.#network.news(this.number); // which comes by a message, so not yet
    }
  }

  /** Want nothing more of it. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#network.close(this.number);
  }
}

/** Closes the exchanges of bodies that nobody has read to their end. */
const forgotten = new FinalizationRegistry((exchange: Exchange) => exchange.close());

/** Return what stands in for `fetch`; URLs that are not of HTTP go to Deno's own. */
export function makeFetch(network: Network, native: typeof fetch): typeof fetch {
  return async (input, init) => {
    const request = new Request(input as Request, init);
    if (!/^https?:/.test(request.url)) return await native(input as Request, init);
    request.signal.throwIfAborted();
    const headers = [...request.headers].filter(([name]) => name !== "accept-encoding");
    if (!request.headers.has("accept")) headers.push(["accept", "*/*"]);
    headers.push(["accept-encoding", [...CODINGS].join(", ")]);
    const exchange = network.start({
      method: request.method,
      url: request.url,
      headers,
      redirect: request.redirect,
      body: request.body ? new Uint8Array(await request.arrayBuffer()) : undefined,
    });
    const abort = () => exchange.close();
    request.signal.addEventListener("abort", abort, { once: true });
    try {
      const { head, bytes, ended } = await exchange.next();
      if (head === undefined) throw closed();
      return response(exchange, head, { bytes, ended });
    } catch (error) {
      exchange.close();
      throw request.signal.aborted ? request.signal.reason : error;
    }
  };
}

function response(
  exchange: Exchange,
  head: Head,
  first: { bytes: Uint8Array<ArrayBuffer>; ended: boolean },
): Response {
  const { status, reason: statusText } = head;
  const headers = new Headers(head.headers);
  let body: ReadableStream | null = null;
  if (NO_CONTENT.has(status)) exchange.close();
  else body = bodyOf(exchange, first);
  const coding = headers.get("content-encoding")?.toLowerCase();
  if (body !== null && CODINGS.has(coding as CompressionFormat)) {
    body = body.pipeThrough(new DecompressionStream(coding as CompressionFormat));
    // What is read is of another length, and nobody must decode it once more.
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  // The body, and not the response: a reader may outlive that.
  if (body !== null) forgotten.register(body, exchange);
  return described(new Response(body, { status, statusText, headers }), head);
}

function bodyOf(
  exchange: Exchange,
  first: { bytes: Uint8Array<ArrayBuffer>; ended: boolean },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      if (first.bytes.length > 0) controller.enqueue(first.bytes);
      if (first.ended) controller.close();
    },
    async pull(controller) {
      const { bytes, ended } = await exchange.next();
      if (bytes.length > 0) controller.enqueue(bytes);
      if (ended) controller.close();
    },
    cancel: () => exchange.close(),
  });
}

/** Say where a response comes from, which only a fetch can. */
function described(response: Response, head: Head): Response {
  const { url, redirected } = head;
  const clone = () => described(Response.prototype.clone.call(response), head);
  for (const [name, value] of Object.entries({ url, redirected, clone })) {
    Object.defineProperty(response, name, { value, configurable: true });
  }
  return response;
}

/** Throw what an answer says has gone wrong. */
function checked(answer: Answer): Answer {
  if (answer.code === "EINTR") throw closed();
  const { error, kind } = answer as { error?: string; kind?: string };
  if (error === undefined) return answer;
  switch (kind) {
    case "refused":
      throw new Deno.errors.NotCapable(error);
    case "timeout":
      throw new DOMException(error, "TimeoutError");
    case "ended":
      throw closed();
    default:
      throw new TypeError(error);
  }
}

function closed(): DOMException {
  return new DOMException("the request was interrupted", "AbortError");
}

/** Stands in for what would need a connection of its own. */
export class NoWebSocket {
  constructor() {
    throw new Deno.errors.NotCapable(NO_WEBSOCKETS);
  }
}
