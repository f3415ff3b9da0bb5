import assert from "node:assert/strict";
import { encodeImage, ImageFile } from "./image.ts";

const PAGE = 16 * 1024;

/** A memory of some pages, each empty (0) or full of one number. */
function memoryOf(...pages: number[]): Uint8Array {
  const memory = new Uint8Array(pages.length * PAGE);
  for (const [page, value] of pages.entries()) {
    memory.fill(value, page * PAGE, (page + 1) * PAGE);
  }
  return memory;
}

function withFile(bytes: Uint8Array, use: (path: string) => void): void {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, bytes);
    use(path);
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("reading undoes encoding, whatever the memory held before", () => {
  const header = new Uint8Array([1, 2, 3]);
  for (
    const memory of [
      memoryOf(),
      memoryOf(0, 0),
      memoryOf(7, 8),
      memoryOf(0, 7, 7, 0, 0, 8, 0),
      memoryOf(7, 0, 0).subarray(0, 2 * PAGE + 5),
    ]
  ) {
    withFile(encodeImage(header, 5, memory), (path) => {
      const image = new ImageFile(path);
      assert.deepEqual(image.header, header);
      assert.equal(image.functions, 5);
      assert.equal(image.memoryBytes, memory.length);
      const used = new Uint8Array(memory.length).fill(255);
      image.readInto(used, used.length);
      assert.deepEqual(used, memory);
    });
  }
});

Deno.test("a memory that was never touched is not written with zeros", () => {
  withFile(encodeImage(new Uint8Array(), 0, memoryOf(0, 7, 0, 8, 0)), (path) => {
    const memory = memoryOf(5, 5, 5, 0, 9);
    new ImageFile(path).readInto(memory, 3 * PAGE);
    assert.deepEqual(memory, memoryOf(0, 7, 0, 8, 9));
  });
});

Deno.test("empty pages take no room", () => {
  const image = encodeImage(new Uint8Array(), 0, memoryOf(0, 0, 7, 0));
  assert.ok(image.length < 2 * PAGE);
});

Deno.test("an image that was cut off is refused", () => {
  const image = encodeImage(new Uint8Array([1]), 0, memoryOf(7, 8));
  for (const length of [0, 3, 10, PAGE, image.length - 1]) {
    withFile(image.subarray(0, length), (path) => {
      assert.throws(() => new ImageFile(path).readInto(memoryOf(0, 0), 0), RangeError);
    });
  }
});
