import assert from "node:assert/strict";
import type { Opened } from "./file_client.ts";
import { MAX_AHEAD, OpenAhead } from "./open_ahead.ts";

const names = Array.from({ length: 200 }, (_, index) => `f${199 - index}`);
const place = (name: string, directory = "d") => ({
  mount: 0,
  path: `${directory}/${name}`,
});

function opened(name: string): Opened {
  const handle = { mount: 0, handle: Number(name.slice(1)) };
  return { place: place(name), handle, head: new Uint8Array() } as unknown as Opened;
}

function start() {
  const dropped: number[] = [];
  const ahead = new OpenAhead(({ handle }) => dropped.push(handle.handle));
  ahead.listed({ mount: 0, path: "d" }, names);
  return { ahead, dropped };
}

Deno.test("the first files of a listing bring nothing along, then more and more", () => {
  const { ahead } = start();
  assert.deepEqual(ahead.next(place(names[0])), []);
  assert.deepEqual(ahead.next(place(names[1])), names.slice(2, 6));
  assert.deepEqual(ahead.next(place(names[2])), names.slice(3, 11));
  for (const name of names.slice(3, 20)) ahead.next(place(name));
  assert.equal(ahead.next(place(names[20])).length, MAX_AHEAD);
});

Deno.test("the sorted order is followed as well", () => {
  const { ahead } = start();
  const sorted = names.toSorted();
  ahead.next(place(sorted[0]));
  assert.deepEqual(ahead.next(place(sorted[1])), sorted.slice(2, 6));
});

Deno.test("no order, no guess", () => {
  const { ahead } = start();
  for (const name of ["f3", "f90", "f17", "f4", "f60"]) {
    assert.deepEqual(ahead.next(place(name)), []);
  }
  assert.deepEqual(ahead.next(place("f1", "elsewhere")), []);
  assert.deepEqual(ahead.next(place("unknown")), []);
});

Deno.test("what is ready is handed out once, and keeps the order going", () => {
  const { ahead, dropped } = start();
  ahead.next(place(names[0]));
  ahead.next(place(names[1]));
  ahead.add([opened(names[2]), opened(names[3])]);
  assert.equal(ahead.take(place(names[2]))?.place.path, `d/${names[2]}`);
  assert.equal(ahead.take(place(names[2])), undefined);
  assert.equal(ahead.take(place(names[3]))?.place.path, `d/${names[3]}`);
  assert.deepEqual(ahead.next(place(names[4])), names.slice(5, 5 + 32));
  assert.deepEqual(dropped, []);
});

Deno.test("whatever else the host is asked makes what is ready too old", () => {
  const { ahead, dropped } = start();
  ahead.next(place(names[0]));
  ahead.next(place(names[1]));
  ahead.add([opened(names[2])]);
  ahead.disturb();
  assert.equal(ahead.take(place(names[2])), undefined);
  assert.deepEqual(dropped, [opened(names[2]).handle.handle]);
  assert.deepEqual(ahead.next(place(names[2])), []);
});

Deno.test("a file out of the row closes those that nobody wanted", () => {
  const { ahead, dropped } = start();
  ahead.next(place(names[0]));
  ahead.next(place(names[1]));
  ahead.add([opened(names[2])]);
  assert.deepEqual(ahead.next(place(names[100])), []);
  assert.deepEqual(dropped, [opened(names[2]).handle.handle]);
});

Deno.test("nothing is believed for longer than a moment", async () => {
  const { ahead, dropped } = start();
  ahead.add([opened(names[2])]);
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.equal(ahead.take(place(names[2])), undefined);
  assert.equal(dropped.length, 1);
});
