import assert from "node:assert/strict";
import { arrived, hasRoom, makeInFlight, MAX_IN_FLIGHT, sent } from "./in_flight.ts";

Deno.test("who sends is held back while too much is on its way", () => {
  const inFlight = makeInFlight();
  const tail = new Uint8Array(MAX_IN_FLIGHT);
  assert.equal(hasRoom(inFlight), true);
  sent(inFlight, "{}", tail);
  const start = performance.now();
  assert.equal(hasRoom(inFlight), false);
  assert(performance.now() - start >= 15); // it waited, and did not spin
  arrived(inFlight, "{}", tail);
  assert.equal(hasRoom(inFlight), true);
  assert.equal(inFlight[0], 0);
});
