import assert from "node:assert/strict";
import { decodeBody, encodeFrame, readFrames, writeAll } from "./frames.ts";

const hex = (bytes: Uint8Array) => bytes.toHex();

Deno.test("the layout is the one of Python", () => {
  // test_frames.py holds the same bytes.
  const frame = encodeFrame('{"a":1}', new Uint8Array([0, 255]));
  assert.equal(hex(frame), "0d00000007000000" + "7b2261223a317d" + "00ff");
});

Deno.test("decoding undoes encoding", () => {
  for (const head of ["", "{}", '{"text":"grün 😀"}']) {
    for (const tail of [[], [0], [255, 254, 0, 1]]) {
      const frame = decodeBody(encodeFrame(head, new Uint8Array(tail)).subarray(4));
      assert.equal(frame.head, head);
      assert.deepEqual([...frame.tail], tail);
    }
  }
});

Deno.test("a lone surrogate becomes the replacement character", () => {
  assert.equal(decodeBody(encodeFrame("\ud83d").subarray(4)).head, "\ufffd");
});

Deno.test("a body that contradicts itself is refused", () => {
  assert.throws(() => decodeBody(new Uint8Array(3)), /shorter than its own header/);
  assert.throws(() => decodeBody(new Uint8Array([2, 0, 0, 0, 1])), /longer than/);
  assert.throws(() => decodeBody(new Uint8Array([1, 0, 0, 0, 255])), TypeError);
});

Deno.test("frames are read one after the other until the end", async () => {
  const path = await Deno.makeTempFile();
  try {
    const heads = ["{}", '{"n":1}', '{"n":2}'];
    using written = await Deno.open(path, { write: true });
    for (const head of heads) await writeAll(written, encodeFrame(head));
    await writeAll(written, encodeFrame("cut off").subarray(0, 9));
    using file = await Deno.open(path, { read: true });
    const read: string[] = [];
    for await (const frame of readFrames(file)) read.push(frame.head);
    assert.deepEqual(read, heads);
  } finally {
    await Deno.remove(path);
  }
});
