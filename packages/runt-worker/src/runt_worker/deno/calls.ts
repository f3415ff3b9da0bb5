/**
 * Synchronous calls from the guest to the supervisor, over two FIFOs.
 *
 * The guest thread opens both itself and blocks on the answer. Whatever it is told is
 * data: the supervisor decides by its own policy, and user code that forges a call gets
 * no more than it could have asked for.
 */
import type { Frame } from "./frames.ts";

/** One read takes a small answer whole, one write a small call. */
const BUFFER_BYTES = 64 * 1024;
/** So many bytes of notices wait for company at most. */
const MAX_WAITING_BYTES = 4 * 1024;
/** u32 length of all that follows, u32 length of the head. */
const HEADER_BYTES = 8;
/** What one UTF-16 unit can take in UTF-8. */
const MAX_UNIT_BYTES = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const NO_BYTES = new Uint8Array();

/** A JSON object of the supervisor's. */
export type Answer = Record<string, unknown>;

export interface Answered {
  /** Its JSON text. */
  head: string;
  answer: Answer;
  tailLength: number;
}

export class Calls {
  readonly #requests: Deno.FsFile;
  readonly #replies: Deno.FsFile;
  /** Answers that were read and not yet taken: from start to end. */
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#buffer.buffer);
  #start = 0;
  #end = 0;
  /** Calls that are not yet written. */
  readonly #outgoing = new Uint8Array(BUFFER_BYTES);
  readonly #outgoingView = new DataView(this.#outgoing.buffer);
  #waiting = 0;
  #next = 1;

  constructor(requests: Deno.FsFile, replies: Deno.FsFile) {
    this.#requests = requests;
    this.#replies = replies;
  }

  /** Open both ends, then give up the right to open them again. */
  static open(requestPath: string, replyPath: string): Calls {
    const requests = Deno.openSync(requestPath, { write: true, read: false });
    const replies = Deno.openSync(replyPath, { read: true });
    Deno.permissions.revokeSync({ name: "write", path: requestPath });
    Deno.permissions.revokeSync({ name: "read", path: replyPath });
    return new Calls(requests, replies);
  }

  /**
   * Ask and wait.
   *
   * @param method what is asked, e.g. `load_package`
   * @param parameters JSON text of an object
   * @param tail bytes that belong to the request
   */
  call(
    method: string,
    parameters: string,
    tail?: Uint8Array,
  ): Frame & { answer: Answer } {
    let bytes: Uint8Array = NO_BYTES;
    const { head, answer } = this.#ask(method, parameters, tail, (length) => {
      if (length > 0) bytes = new Uint8Array(length);
      return bytes;
    });
    return { head, answer, tail: bytes };
  }

  /** Ask, and take the answer's bytes into `target`, which they must fit. */
  callInto(method: string, parameters: string, target: Uint8Array): Answered {
    return this.#ask(method, parameters, undefined, (length) => {
      if (length > target.length) throw new RangeError("the answer is too long");
      return target.subarray(0, length);
    });
  }

  /**
   * Tell without waiting: there is no answer. It goes with the next call; `sendWaiting`
   * sends what no call has taken along.
   */
  tellLater(method: string, parameters: string): void {
    this.#append(request(0, method, parameters), 0);
    if (this.#waiting > MAX_WAITING_BYTES) this.sendWaiting();
  }

  sendWaiting(): void {
    const length = this.#waiting;
    this.#waiting = 0;
    if (length > 0) this.#write(this.#outgoing.subarray(0, length));
  }

  #ask(
    method: string,
    parameters: string,
    tail: Uint8Array | undefined,
    place: (tailLength: number) => Uint8Array,
  ): Answered {
    const id = this.#next++;
    this.#send(id, method, parameters, tail);
    while (true) {
      this.#fetch(HEADER_BYTES);
      const length = this.#view.getUint32(this.#start, true);
      const headLength = this.#view.getUint32(this.#start + 4, true);
      this.#start += HEADER_BYTES;
      const tailLength = length - 4 - headLength;
      const head = this.#readText(headLength);
      const answer = JSON.parse(head);
      if (answer.id === id) {
        this.#readInto(place(tailLength));
        return { head, answer, tailLength };
      }
      // The late answer to a call that was interrupted belongs to nobody.
      this.#readInto(new Uint8Array(tailLength));
    }
  }

  #send(
    id: number,
    method: string,
    parameters: string,
    tail: Uint8Array = NO_BYTES,
  ): void {
    this.#append(request(id, method, parameters), tail.length);
    if (tail.length > 0 && tail.length <= BUFFER_BYTES - this.#waiting) {
      this.#outgoing.set(tail, this.#waiting);
      this.#waiting += tail.length;
      tail = NO_BYTES;
    }
    this.sendWaiting();
    if (tail.length > 0) this.#write(tail);
  }

  /** Put a frame, but for its tail, behind what waits. */
  #append(head: string, tailLength: number): void {
    const most = HEADER_BYTES + head.length * MAX_UNIT_BYTES;
    if (most > BUFFER_BYTES - this.#waiting) this.sendWaiting();
    const at = this.#waiting;
    if (most > BUFFER_BYTES) return this.#writeLong(encoder.encode(head), tailLength);
    const place = this.#outgoing.subarray(at + HEADER_BYTES);
    const { written } = encoder.encodeInto(head, place);
    this.#outgoingView.setUint32(at, 4 + written + tailLength, true);
    this.#outgoingView.setUint32(at + 4, written, true);
    this.#waiting = at + HEADER_BYTES + written;
  }

  #writeLong(head: Uint8Array, tailLength: number): void {
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setUint32(0, 4 + head.length + tailLength, true);
    header.setUint32(4, head.length, true);
    this.#write(new Uint8Array(header.buffer));
    this.#write(head);
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      at += this.#requests.writeSync(at === 0 ? bytes : bytes.subarray(at));
    }
  }

  #readText(length: number): string {
    if (length > BUFFER_BYTES) {
      const bytes = new Uint8Array(length);
      this.#readInto(bytes);
      return decoder.decode(bytes);
    }
    this.#fetch(length);
    const text = decoder.decode(
      this.#buffer.subarray(this.#start, this.#start + length),
    );
    this.#start += length;
    return text;
  }

  /** Have that many bytes in the buffer; they fit. */
  #fetch(length: number): void {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    if (this.#start + length > BUFFER_BYTES) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    while (this.#end - this.#start < length) {
      this.#end += this.#receive(this.#buffer.subarray(this.#end));
    }
  }

  #readInto(target: Uint8Array): void {
    let at = Math.min(target.length, this.#end - this.#start);
    if (at > 0) {
      target.set(this.#buffer.subarray(this.#start, this.#start + at));
      this.#start += at;
    }
    // What is long goes to its place at once; nothing comes behind it unasked for.
    while (at < target.length) at += this.#receive(target.subarray(at));
  }

  #receive(target: Uint8Array): number {
    const count = this.#replies.readSync(target);
    if (count === null) throw new Error("the supervisor has gone");
    return count;
  }
}

function request(id: number, method: string, parameters: string): string {
  return `{"id":${id},"method":"${method}","parameters":${parameters}}`;
}
