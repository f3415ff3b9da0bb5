/**
 * Synchronous calls from the guest to the supervisor, over two FIFOs.
 *
 * The guest thread opens both itself and blocks on the answer. Whatever it is told is
 * data: the supervisor decides by its own policy, and user code that forges a call gets
 * no more than it could have asked for.
 */
import { encodeFrame } from "./frames.ts";
import type { Frame } from "./frames.ts";

/** One read takes a small answer whole. */
const BUFFER_BYTES = 64 * 1024;
/** u32 length of all that follows, u32 length of the head. */
const HEADER_BYTES = 8;

const decoder = new TextDecoder("utf-8", { fatal: true });

export interface Answer {
  /** JSON text of an object. */
  head: string;
  tailLength: number;
}

export class Calls {
  readonly #requests: Deno.FsFile;
  readonly #replies: Deno.FsFile;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;
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
  call(method: string, parameters: string, tail?: Uint8Array): Frame {
    let bytes = new Uint8Array();
    const { head } = this.#ask(method, parameters, tail, (length) => {
      bytes = new Uint8Array(length);
      return bytes;
    });
    return { head, tail: bytes };
  }

  /** Ask, and take the answer's bytes into `target`, which they must fit. */
  callInto(method: string, parameters: string, target: Uint8Array): Answer {
    return this.#ask(method, parameters, undefined, (length) => {
      if (length > target.length) throw new RangeError("the answer is too long");
      return target.subarray(0, length);
    });
  }

  /** Tell without waiting: there is no answer. */
  tell(method: string, parameters: string): void {
    this.#write(encodeFrame(request(0, method, parameters)));
  }

  #ask(
    method: string,
    parameters: string,
    tail: Uint8Array | undefined,
    place: (tailLength: number) => Uint8Array,
  ): Answer {
    const id = this.#next++;
    this.#write(encodeFrame(request(id, method, parameters), tail));
    while (true) {
      const header = this.#readExactly(new Uint8Array(HEADER_BYTES));
      const view = new DataView(header.buffer);
      const headLength = view.getUint32(4, true);
      const tailLength = view.getUint32(0, true) - 4 - headLength;
      const head = decoder.decode(this.#readExactly(new Uint8Array(headLength)));
      if (JSON.parse(head).id === id) {
        this.#readExactly(place(tailLength));
        return { head, tailLength };
      }
      // The late answer to a call that was interrupted belongs to nobody.
      this.#readExactly(new Uint8Array(tailLength));
    }
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      at += this.#requests.writeSync(bytes.subarray(at));
    }
  }

  #readExactly(target: Uint8Array): Uint8Array {
    for (let at = 0; at < target.length;) at += this.#readSome(target.subarray(at));
    return target;
  }

  #readSome(target: Uint8Array): number {
    if (this.#start < this.#end) {
      const count = Math.min(target.length, this.#end - this.#start);
      target.set(this.#buffer.subarray(this.#start, this.#start + count));
      this.#start += count;
      return count;
    }
    // What is long goes to its place at once; what is short comes with what follows.
    if (target.length >= BUFFER_BYTES) return this.#readInto(target);
    this.#start = 0;
    this.#end = this.#readInto(this.#buffer);
    return 0;
  }

  #readInto(target: Uint8Array): number {
    const count = this.#replies.readSync(target);
    if (count === null) throw new Error("the supervisor has gone");
    return count;
  }
}

function request(id: number, method: string, parameters: string): string {
  return `{"id":${id},"method":${JSON.stringify(method)},"parameters":${parameters}}`;
}
