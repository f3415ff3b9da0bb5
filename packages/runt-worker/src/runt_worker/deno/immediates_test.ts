import assert from "node:assert/strict";
import { makeSchedule } from "./immediates.ts";

Deno.test({
  name: "callbacks run later, in their order, and timers after them",
  sanitizeResources: false, // the channel is there as long as its thread
  async fn() {
    const schedule = makeSchedule();
    const ran: string[] = [];
    const last = Promise.withResolvers<void>();
    schedule(() => (ran.push("timer"), last.resolve()), 20);
    schedule(() => ran.push("first"), 0);
    schedule(() => ran.push("second"), 0);
    assert.deepEqual(ran, []);
    await last.promise;
    assert.deepEqual(ran, ["first", "second", "timer"]);
  },
});

Deno.test({
  name: "an endless chain of callbacks leaves timers and messages their turn",
  sanitizeResources: false,
  async fn() {
    const schedule = makeSchedule();
    const other = new MessageChannel();
    let isOver = false;
    const again = () => isOver || schedule(again, 0);
    again();
    const heard = new Promise((resolve) => other.port1.onmessage = resolve);
    const slept = new Promise((resolve) => setTimeout(resolve, 5));
    other.port2.postMessage(null);
    await Promise.all([heard, slept]);
    isOver = true;
  },
});
