import assert from "node:assert/strict";
import { capMemory } from "./memory.ts";

Deno.test("a memory grows to its cap, and not one page beyond", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 100 });
  capMemory(memory, 3 * 65536);
  assert.equal(memory.grow(2), 1);
  assert.throws(() => memory.grow(1), RangeError);
  assert.equal(memory.buffer.byteLength, 3 * 65536);
});
