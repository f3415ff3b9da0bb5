/**
 * One open file: reads run ahead, writes are gathered.
 *
 * A call to the supervisor costs as much as copying hundreds of kilobytes, so small
 * reads and writes in a row become few large ones.
 */
import { ATTRIBUTES_MS, HEAD_BYTES, identityOf } from "./file_client.ts";
import type { FileClient, Opened } from "./file_client.ts";
import type { HostAttributes } from "./file_messages.ts";

/** From here on a read or write goes straight to the host. */
const DIRECT_BYTES = 1024 * 1024;
/** So much is read or written by one call: what fits into its FIFO. */
const MAX_CALL_BYTES = 1024 * 1024;
/** So much a sequential reader gets ahead, at most. */
const MAX_READ_AHEAD_BYTES = 1024 * 1024;
/** So much a reader that jumps about gets. */
const MIN_READ_AHEAD_BYTES = 4 * 1024;
/** So much is written at once. */
const GATHER_BYTES = 1024 * 1024;

const NO_BYTES = new Uint8Array();

/** A piece of the file as it was at some time. */
interface Window {
  at: number;
  bytes: Uint8Array;
  /** Whether the file ended behind it. */
  isLast: boolean;
  generation: number;
  until: number;
}

export class FileBuffer {
  readonly #client: FileClient;
  readonly #opened: Opened;
  readonly #onDirty: (file: FileBuffer, isDirty: boolean) => void;
  #window: Window;
  #readAhead = MIN_READ_AHEAD_BYTES;
  #expected = 0;
  #gathered = NO_BYTES;
  #gatheredAt = 0;
  #gatheredLength = 0;
  #isWritten = false;

  constructor(
    client: FileClient,
    opened: Opened,
    onDirty: (file: FileBuffer, isDirty: boolean) => void,
  ) {
    this.#client = client;
    this.#opened = opened;
    this.#onDirty = onDirty;
    this.#window = this.#windowOf(0, opened.head, opened.head.length < HEAD_BYTES);
  }

  /** The same for all openings of a file. */
  get identity(): string {
    return identityOf(this.#opened);
  }

  /** Fill `target` from `position` on; return how much there was. */
  read(target: Uint8Array, position: number): number {
    this.flush();
    let count = 0;
    while (count < target.length) {
      const got = this.#readSome(target.subarray(count), position + count);
      if (got === 0) break;
      count += got;
    }
    this.#expected = position + count;
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    this.#isWritten = true;
    if (!this.#fits(position, bytes.length)) this.flush();
    if (bytes.length >= DIRECT_BYTES) {
      this.flush();
      this.#writeAll(bytes, position);
      return;
    }
    if (this.#gathered.length === 0) this.#gathered = new Uint8Array(GATHER_BYTES);
    if (this.#gatheredLength === 0) {
      this.#gatheredAt = position;
      this.#onDirty(this, true);
    }
    const from = position - this.#gatheredAt;
    this.#gathered.set(bytes, from);
    this.#gatheredLength = Math.max(this.#gatheredLength, from + bytes.length);
  }

  /** Whether this adjoins or overwrites what is gathered; headers are often patched. */
  #fits(position: number, length: number): boolean {
    const from = position - this.#gatheredAt;
    return from >= 0 && from <= this.#gatheredLength && from + length <= GATHER_BYTES;
  }

  /** Write out what was gathered. What fails is not tried again. */
  flush(): void {
    if (this.#gatheredLength === 0) return;
    const bytes = this.#gathered.subarray(0, this.#gatheredLength);
    this.#gatheredLength = 0;
    this.#onDirty(this, false);
    this.#writeAll(bytes, this.#gatheredAt);
  }

  fsync(): void {
    this.flush();
    this.#client.fsync(this.#opened.handle);
  }

  attributes(): HostAttributes {
    this.flush();
    // Every `open` of Python asks at once for what came with the opening.
    if (this.#isCurrent(this.#window) && this.#window.bytes === this.#opened.head) {
      return this.#opened.attributes;
    }
    return this.#client.handleAttributes(this.#opened.handle);
  }

  truncate(size: number): void {
    this.flush();
    this.#isWritten = true;
    this.#client.truncate(this.#opened, size);
  }

  close(): void {
    try {
      this.flush();
    } finally {
      this.#client.close(this.#opened.handle, this.#isWritten);
    }
  }

  #readSome(target: Uint8Array, position: number): number {
    const known = this.#window;
    if (this.#isCurrent(known)) {
      const from = position - known.at;
      const isInside = from >= 0 && from < known.bytes.length;
      if (isInside) return copy(known.bytes.subarray(from), target);
      if (known.isLast && from >= known.bytes.length) return 0;
    }
    if (target.length >= DIRECT_BYTES) {
      const part = target.subarray(0, MAX_CALL_BYTES);
      return this.#client.read(this.#opened.handle, position, part);
    }
    return copy(this.#fill(position, target.length), target);
  }

  #fill(position: number, wanted: number): Uint8Array {
    this.#readAhead = position === this.#expected
      ? Math.min(this.#readAhead * 4, MAX_READ_AHEAD_BYTES)
      : MIN_READ_AHEAD_BYTES;
    const space = new Uint8Array(Math.max(this.#readAhead, wanted));
    const count = this.#client.read(this.#opened.handle, position, space);
    const bytes = space.subarray(0, count);
    this.#window = this.#windowOf(position, bytes, count < space.length);
    return bytes;
  }

  #windowOf(at: number, bytes: Uint8Array, isLast: boolean): Window {
    const until = performance.now() + ATTRIBUTES_MS;
    return {
      at,
      bytes,
      isLast,
      generation: this.#client.generation(this.#opened),
      until,
    };
  }

  #isCurrent(window: Window): boolean {
    return window.generation === this.#client.generation(this.#opened) &&
      window.until > performance.now();
  }

  #writeAll(bytes: Uint8Array, position: number): void {
    for (let at = 0; at < bytes.length; at += MAX_CALL_BYTES) {
      const part = bytes.subarray(at, at + MAX_CALL_BYTES);
      this.#client.write(this.#opened, position + at, part);
    }
  }
}

function copy(from: Uint8Array, to: Uint8Array): number {
  const part = from.subarray(0, to.length);
  to.set(part);
  return part.length;
}
