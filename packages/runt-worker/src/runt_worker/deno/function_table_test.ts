import assert from "node:assert/strict";
import { growAtOnce } from "./function_table.ts";

function tableOf(length: number): WebAssembly.Table {
  return new WebAssembly.Table({ element: "anyfunc", initial: length });
}

Deno.test("a table that grows at once looks as if it grew one by one", () => {
  const table = tableOf(3);
  const settle = growAtOnce(table, 6);
  assert.equal(table.length, 3);
  assert.deepEqual([table.grow(1), table.grow(2)], [3, 4]);
  table.set(5, null);
  assert.equal(table.length, 6);
  settle();
  assert.deepEqual([table.length, table.grow(1), table.length], [6, 6, 7]);
});

Deno.test("another number of functions than was announced is refused", () => {
  const small = tableOf(3);
  growAtOnce(small, 4);
  assert.throws(() => small.grow(2), RangeError);
  assert.throws(growAtOnce(tableOf(3), 4), RangeError);
  assert.throws(() => growAtOnce(tableOf(3), 2)() ?? tableOf(0).get(5), RangeError);
});
