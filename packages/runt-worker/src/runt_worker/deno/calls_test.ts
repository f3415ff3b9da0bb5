import assert from "node:assert/strict";
import { Calls } from "./calls.ts";
import { decodeBody, encodeFrame } from "./frames.ts";

/** Files stand in for the FIFOs: the answers lie there before the questions. */
function open(...answers: string[]) {
  const directory = Deno.makeTempDirSync();
  globalThis.addEventListener(
    "unload",
    () => Deno.removeSync(directory, { recursive: true }),
  );
  const [requests, replies] = ["requests", "replies"].map((n) => `${directory}/${n}`);
  Deno.writeFileSync(requests, new Uint8Array());
  Deno.writeFileSync(
    replies,
    new Uint8Array(answers.flatMap((a) => [...encodeFrame(a)])),
  );
  const options = { write: true, read: false };
  const calls = new Calls(Deno.openSync(requests, options), Deno.openSync(replies));
  const asked = () => decodeBody(Deno.readFileSync(requests).subarray(4)).head;
  return { calls, asked };
}

Deno.test("a call says its id, its method and its parameters", () => {
  const { calls, asked } = open('{"id":1,"answer":"yes"}');
  const frame = calls.call("load_package", '{"import_name":"numpy"}');
  assert.deepEqual(JSON.parse(frame.head), { id: 1, answer: "yes" });
  assert.deepEqual(JSON.parse(asked()), {
    id: 1,
    method: "load_package",
    parameters: { import_name: "numpy" },
  });
});

Deno.test("the late answer to an earlier call is dropped", () => {
  const { calls } = open('{"id":1,"errno":4}', '{"id":1}', '{"id":2,"answer":"mine"}');
  assert.equal(JSON.parse(calls.call("m", "{}").head).errno, 4);
  assert.equal(JSON.parse(calls.call("m", "{}").head).answer, "mine");
});

Deno.test("what nobody waits for goes with the next call", () => {
  const { calls, asked } = open('{"id":1}');
  calls.tellLater("close", '{"handles":[7]}');
  assert.throws(asked); // nothing was written yet
  calls.call("m", "{}");
  assert.equal(JSON.parse(asked()).method, "close");
});

Deno.test("what no call takes along can be sent", () => {
  const { calls, asked } = open();
  calls.tellLater("close", '{"handles":[7]}');
  calls.sendWaiting();
  assert.deepEqual(JSON.parse(asked()), {
    id: 0,
    method: "close",
    parameters: { handles: [7] },
  });
});

Deno.test("names of any length and script arrive whole", () => {
  for (const path of ["日本".repeat(10), "ü".repeat(30_000), "x".repeat(100_000)]) {
    const { calls, asked } = open(`{"id":1,"answer":${JSON.stringify(path)}}`);
    const { answer } = calls.call("lstat", JSON.stringify({ path }));
    assert.equal(answer.answer, path);
    assert.equal(JSON.parse(asked()).parameters.path, path);
  }
});

Deno.test("a supervisor that has gone is told", () => {
  assert.throws(() => open().calls.call("m", "{}"), /the supervisor has gone/);
});
