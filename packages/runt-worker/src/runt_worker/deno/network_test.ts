import assert from "node:assert/strict";
import { Calls } from "./calls.ts";
import { encodeFrame } from "./frames.ts";
import { makeFetch, Network } from "./network.ts";

/** A supervisor that has its answers written down. */
function networkThatIsTold(answers: [object, string?][]): [Network, object[]] {
  const directory = Deno.makeTempDirSync();
  globalThis.addEventListener(
    "unload",
    () => Deno.removeSync(directory, { recursive: true }),
  );
  const [requests, replies] = [`${directory}/requests`, `${directory}/replies`];
  const encoder = new TextEncoder();
  for (const file of [requests, replies]) Deno.writeFileSync(file, new Uint8Array());
  const frames = answers.map(([answer, tail], index) =>
    encodeFrame(
      JSON.stringify({ id: index + 1, ...answer }),
      encoder.encode(tail ?? ""),
    )
  );
  for (const frame of frames) Deno.writeFileSync(replies, frame, { append: true });
  const asked: object[] = [];
  const calls = new Calls(
    Deno.openSync(requests, { write: true }),
    Deno.openSync(replies, { read: true }),
  );
  const call = calls.call.bind(calls);
  calls.call = (method, parameters, tail) => {
    asked.push({ method, ...JSON.parse(parameters) });
    return call(method, parameters, tail);
  };
  return [new Network(calls), asked];
}

const HEAD = {
  status: 200,
  reason: "OK",
  url: "http://a.example/end",
  redirected: true,
  headers: [["Content-Type", "text/plain"]],
};

Deno.test("a page in one part", async () => {
  const [network, asked] = networkThatIsTold([
    [{ exchange: 5 }],
    [{ head: HEAD, ended: true }, "whole"],
  ]);
  const answer = await makeFetch(network, fetch)("http://a.example/");
  assert.equal(await answer.text(), "whole");
  assert.deepEqual([answer.url, answer.redirected], ["http://a.example/end", true]);
  assert.equal(answer.headers.get("content-type"), "text/plain");
  assert.equal(asked.length, 2);
});

Deno.test("what is not there yet comes with the news", async () => {
  const [network] = networkThatIsTold([
    [{ exchange: 5 }],
    [{}],
    [{ head: HEAD }, "one "],
    [{}],
    [{ ended: true }, "two"],
  ]);
  const awaited = makeFetch(network, fetch)("http://a.example/");
  const tell = setInterval(() => network.takeNews([5, 6]), 1);
  const text = await (await awaited).text();
  clearInterval(tell);
  assert.equal(text, "one two");
});

Deno.test("a refusal names the flag", async () => {
  const error = "Requires net access to a.example: run again with …";
  const [network] = networkThatIsTold([[{ error, kind: "refused" }]]);
  const refused = makeFetch(network, fetch)("http://a.example/");
  await assert.rejects(refused, { name: "NotCapable", message: error });
});

Deno.test("what is not of HTTP is Deno's own", async () => {
  const [network, asked] = networkThatIsTold([]);
  const answer = await makeFetch(network, fetch)("data:text/plain,here");
  assert.equal(await answer.text(), "here");
  assert.equal(asked.length, 0);
});
