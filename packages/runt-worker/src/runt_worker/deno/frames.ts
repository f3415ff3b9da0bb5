/**
 * Frames between supervisor, host thread and guest: a JSON head and a binary tail.
 *
 * On a FIFO: u32 length of all that follows, u32 length of the head, the head as UTF-8
 * JSON, the tail; integers little-endian. `runt_worker._frames` is the other end.
 */

export interface Frame {
  /** JSON text of an object with `msg_type`. */
  head: string;
  tail: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const NO_BYTES = new Uint8Array();

export function encodeFrame(head: string, tail: Uint8Array = NO_BYTES): Uint8Array {
  const headBytes = encoder.encode(head);
  const frame = new Uint8Array(8 + headBytes.length + tail.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, frame.length - 4, true);
  view.setUint32(4, headBytes.length, true);
  frame.set(headBytes, 8);
  frame.set(tail, 8 + headBytes.length);
  return frame;
}

/** Take apart what follows a frame's first length. */
export function decodeBody(body: Uint8Array): Frame {
  if (body.length < 4) throw new RangeError("frame shorter than its own header");
  const headLength = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  if (headLength > body.length - 4) throw new RangeError("head longer than its frame");
  const head = decoder.decode(body.subarray(4, 4 + headLength));
  return { head, tail: body.slice(4 + headLength) };
}

/** Write everything, however little the descriptor takes at a time. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

async function readExactly(
  file: Deno.FsFile,
  length: number,
): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) return null;
    at += count;
  }
  return bytes;
}

/** Yield frames until the other end closes. */
export async function* readFrames(file: Deno.FsFile): AsyncGenerator<Frame> {
  while (true) {
    const size = await readExactly(file, 4);
    if (size === null) return;
    const length = new DataView(size.buffer).getUint32(0, true);
    const body = await readExactly(file, length);
    if (body === null) return;
    yield decodeBody(body);
  }
}
