/**
 * Synchronous calls from the guest to the supervisor, over two FIFOs.
 *
 * The guest thread opens both itself and blocks on the answer. Whatever it is told is
 * data: the supervisor decides by its own policy, and user code that forges a call gets
 * no more than it could have asked for.
 */
import { decodeBody, encodeFrame } from "./frames.ts";
import type { Frame } from "./frames.ts";

export class Calls {
  readonly #requests: Deno.FsFile;
  readonly #replies: Deno.FsFile;
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
   * @param method what is asked, e.g. `load_packages`
   * @param parameters JSON text of an object
   */
  call(method: string, parameters: string, tail?: Uint8Array): Frame {
    const id = this.#next++;
    const head = `{"id":${id},"method":${
      JSON.stringify(method)
    },"parameters":${parameters}}`;
    this.#write(encodeFrame(head, tail));
    while (true) {
      const frame = this.#read();
      // The late answer to a call that was interrupted belongs to nobody.
      if (JSON.parse(frame.head).id === id) return frame;
    }
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      at += this.#requests.writeSync(bytes.subarray(at));
    }
  }

  #read(): Frame {
    const length = new DataView(this.#readExactly(4).buffer).getUint32(0, true);
    return decodeBody(this.#readExactly(length));
  }

  #readExactly(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const count = this.#replies.readSync(bytes.subarray(at));
      if (count === null) throw new Error("the supervisor has gone");
      at += count;
    }
    return bytes;
  }
}
