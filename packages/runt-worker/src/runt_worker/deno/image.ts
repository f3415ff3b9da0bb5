/**
 * Memory images on disk: an interpreter's memory without its empty pages.
 *
 * u32 length of the layout, the layout as JSON, Pyodide's own header, the pages that are
 * not empty; integers little-endian. The pages are read straight into the memory of the
 * module that is being restored: one copy, and a third less to read.
 */

/** Where things are in an image. */
interface Layout {
  /** Bytes of Pyodide's header, which describes references to JavaScript objects. */
  header: number;
  /** Functions in the module's table when it had started. */
  functions: number;
  /** Bytes of the whole memory. */
  memory: number;
  /** Start and length, in bytes, of each part of the memory that is not empty. */
  parts: [start: number, length: number][];
}

const PAGE_BYTES = 16 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Put together an image of a memory and what Pyodide has to say of it. */
export function encodeImage(
  header: Uint8Array,
  functions: number,
  memory: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const parts = partsOf(memory);
  const layout: Layout = {
    header: header.length,
    functions,
    memory: memory.length,
    parts,
  };
  const layoutBytes = encoder.encode(JSON.stringify(layout));
  const pages = parts.reduce((total, [, length]) => total + length, 0);
  const image = new Uint8Array(4 + layoutBytes.length + header.length + pages);
  new DataView(image.buffer).setUint32(0, layoutBytes.length, true);
  let at = 4;
  const append = (bytes: Uint8Array) => {
    image.set(bytes, at);
    at += bytes.length;
  };
  append(layoutBytes);
  append(header);
  for (const [start, length] of parts) append(memory.subarray(start, start + length));
  return image;
}

function partsOf(memory: Uint8Array): [number, number][] {
  const parts: [number, number][] = [];
  for (let start = 0; start < memory.length; start += PAGE_BYTES) {
    const length = Math.min(PAGE_BYTES, memory.length - start);
    if (isEmpty(memory, start, length)) continue;
    const last = parts.at(-1);
    if (last !== undefined && last[0] + last[1] === start) last[1] += length;
    else parts.push([start, length]);
  }
  return parts;
}

function isEmpty(memory: Uint8Array, start: number, length: number): boolean {
  for (let at = start; at < start + length; at++) if (memory[at] !== 0) return false;
  return true;
}

/** An image that is being read. */
export class ImageFile {
  readonly header: Uint8Array;
  readonly functions: number;
  readonly memoryBytes: number;
  readonly #file: Deno.FsFile;
  readonly #parts: [number, number][];

  constructor(path: string) {
    this.#file = Deno.openSync(path);
    const length = new DataView(this.#read(new Uint8Array(4)).buffer).getUint32(
      0,
      true,
    );
    const text = decoder.decode(this.#read(new Uint8Array(length)));
    const layout: Layout = JSON.parse(text);
    this.#parts = layout.parts;
    this.functions = layout.functions;
    this.memoryBytes = layout.memory;
    this.header = this.#read(new Uint8Array(layout.header));
  }

  /**
   * Make a memory what it was.
   *
   * @param memory as long as the one that the image was made of, or longer
   * @param touchedBytes from there on it has never been written to
   */
  readInto(memory: Uint8Array, touchedBytes: number): void {
    let at = 0;
    for (const [start, length] of this.#parts) {
      // To write zeros into pages that are empty would make them real.
      memory.fill(0, at, Math.max(at, Math.min(start, touchedBytes)));
      at = start + length;
      this.#read(memory.subarray(start, at));
    }
    memory.fill(0, at, Math.max(at, touchedBytes));
    this.#file.close();
  }

  #read<Target extends Uint8Array>(target: Target): Target {
    for (let at = 0; at < target.length;) {
      const count = this.#file.readSync(target.subarray(at));
      if (count === null) throw new RangeError("the image ends early");
      at += count;
    }
    return target;
  }
}
