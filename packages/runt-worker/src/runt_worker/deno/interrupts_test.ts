import assert from "node:assert/strict";
import {
  clearInterrupts,
  interruptBuffer,
  Interrupter,
  makeSharedInterrupts,
  pause,
  takeInterrupt,
} from "./interrupts.ts";

const SIGINT = 2;
const SIGUSR1 = 10;
const SIGUSR2 = 12;

function make() {
  const shared = makeSharedInterrupts();
  const posted: string[] = [];
  const interrupter = new Interrupter(shared, ({ type }) => posted.push(type));
  return { shared, posted, interrupter };
}

/** Run with an execution under way, whose timer is stopped at the end. */
function running(check: (made: ReturnType<typeof make>) => void): () => void {
  return () => {
    const made = make();
    made.interrupter.executionStarted(7);
    try {
      check(made);
    } finally {
      made.interrupter.executionEnded();
    }
  };
}

Deno.test(
  "an interrupt is told by message and by signal, and taken once",
  running(({ shared, posted, interrupter }) => {
    interrupter.interrupt(7, false);
    assert.deepEqual(posted, ["cancel"]);
    assert.equal(shared.signal[0], SIGINT);
    assert.equal(takeInterrupt(shared), true);
    assert.equal(takeInterrupt(shared), false);
  }),
);

Deno.test(
  "a signal that was lost is repeated until the interrupt is taken",
  running(({ shared, posted, interrupter }) => {
    interrupter.interrupt(7, false);
    shared.signal[0] = 0;
    interrupter.tick();
    assert.equal(shared.signal[0], SIGINT);
    assert.deepEqual(posted, ["cancel"], "a flush would only be in the way");
    takeInterrupt(shared);
    shared.signal[0] = 0;
    interrupter.tick();
    assert.equal(shared.signal[0], SIGUSR1);
  }),
);

Deno.test(
  "an interrupt that leaves no way to go on has a signal of its own, also repeated",
  running(({ shared, posted, interrupter }) => {
    interrupter.interrupt(7, true);
    assert.deepEqual(posted, ["cancel"]);
    assert.equal(shared.signal[0], SIGUSR2);
    shared.signal[0] = 0;
    interrupter.tick();
    assert.equal(shared.signal[0], SIGUSR2);
    interrupter.executionStarted(8);
    interrupter.interrupt(8, false);
    assert.equal(shared.signal[0], SIGINT);
  }),
);

Deno.test(
  "an interrupt for another execution does nothing",
  running(({ shared, posted, interrupter }) => {
    interrupter.interrupt(6, false);
    assert.deepEqual(posted, []);
    assert.equal(shared.signal[0], 0);
    assert.equal(takeInterrupt(shared), false);
  }),
);

Deno.test("an interrupt between executions does nothing", () => {
  const { shared, posted, interrupter } = make();
  interrupter.interrupt(7, false);
  interrupter.executionStarted(7);
  interrupter.executionEnded();
  interrupter.interrupt(7, false);
  assert.deepEqual(posted, []);
  assert.equal(shared.signal[0], 0);
});

Deno.test("an interrupt that came too late is not meant for the next one", () => {
  const { shared, interrupter } = make();
  interrupter.executionStarted(7);
  interrupter.interrupt(7, false);
  interrupter.executionEnded();
  interrupter.executionStarted(8);
  assert.equal(shared.signal[0], 0);
  assert.equal(takeInterrupt(shared), false);
  interrupter.executionEnded();
});

Deno.test(
  "output is asked for by one message at a time",
  running(({ posted, interrupter }) => {
    interrupter.tick();
    interrupter.tick();
    assert.deepEqual(posted, ["flush"]);
    interrupter.flushed();
    interrupter.tick();
    assert.deepEqual(posted, ["flush", "flush"]);
  }),
);

Deno.test(
  "asking for output does not overwrite a signal",
  running(({ shared, interrupter }) => {
    shared.signal[0] = SIGINT;
    interrupter.tick();
    assert.equal(shared.signal[0], SIGINT);
  }),
);

Deno.test("what was meant for an earlier cell is forgotten", () => {
  const { shared, interrupter } = make();
  interrupter.executionStarted(7);
  interrupter.interrupt(7, false);
  clearInterrupts(shared);
  assert.equal(shared.signal[0], 0);
  assert.equal(takeInterrupt(shared), false);
  interrupter.executionEnded();
});

Deno.test("reading the interrupt buffer takes the signal, and writing loses none", () => {
  const shared = makeSharedInterrupts();
  let signals = 0;
  const buffer = interruptBuffer(shared, () => signals++);
  assert.equal(buffer[0], 0);
  assert.equal(signals, 0);
  shared.signal[0] = SIGINT;
  buffer[0] = 0;
  assert.equal(buffer[0], SIGINT);
  assert.equal(signals, 1);
  assert.equal(buffer[0], 0);
});

Deno.test("who pauses is woken by a signal, or finds it there", async () => {
  const shared = makeSharedInterrupts();
  const interrupter = new Interrupter(shared, () => {});
  const source = `
    import { pause } from "${new URL("./interrupts.ts", import.meta.url)}";
    self.onmessage = ({ data }) => {
      self.postMessage("asleep");
      pause(data, 600);
      self.postMessage("awake");
    };`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const sleeper = new Worker(url, { type: "module" });
  const heard: string[] = [];
  const awake = new Promise<void>((resolve) =>
    sleeper.onmessage = ({ data }) => {
      heard.push(data);
      if (data === "asleep") interrupter.executionStarted(7); // ticks, until it wakes
      else resolve();
    }
  );
  sleeper.postMessage(shared);
  await awake;
  interrupter.executionEnded();
  sleeper.terminate();
  assert.deepEqual(heard, ["asleep", "awake"]);
  assert.equal(shared.signal[0], SIGUSR1);
  pause(shared, 600); // not taken yet
});
