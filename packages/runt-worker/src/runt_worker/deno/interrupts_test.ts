import assert from "node:assert/strict";
import {
  answered,
  clearInterrupts,
  interruptBuffer,
  Interrupter,
  makeSharedInterrupts,
  pause,
  takeInterrupt,
  waitForAnswer,
} from "./interrupts.ts";
import type { SharedInterrupts } from "./interrupts.ts";

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

/**
 * Run a guest side in a thread of its own.
 *
 * @param code uses `interrupts`, `shared` and `say`
 * @param onSay called with what it says
 * @returns what it has said when it ends
 */
async function inGuest(
  shared: SharedInterrupts,
  code: string,
  onSay: (said: string) => void,
): Promise<string[]> {
  const source = `
    import * as interrupts from "${new URL("./interrupts.ts", import.meta.url)}";
    const say = (text) => self.postMessage(text);
    self.onmessage = ({ data: shared }) => { ${code}; say("end"); };`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const guest = new Worker(url, { type: "module" });
  const heard: string[] = [];
  await new Promise<void>((resolve) => {
    guest.onmessage = ({ data }) => {
      if (data === "end") return resolve();
      heard.push(data);
      onSay(data);
    };
    guest.postMessage(shared);
  });
  guest.terminate();
  return heard;
}

Deno.test("who pauses is woken by a signal, or finds it there", async () => {
  const shared = makeSharedInterrupts();
  const interrupter = new Interrupter(shared, () => {});
  const code = `say("asleep"); interrupts.pause(shared, 600); say("awake")`;
  const heard = await inGuest(shared, code, (said) => {
    if (said === "asleep") interrupter.executionStarted(7); // ticks, until it wakes
  });
  interrupter.executionEnded();
  assert.deepEqual(heard, ["asleep", "awake"]);
  assert.equal(shared.signal[0], SIGUSR1);
  pause(shared, 600); // not taken yet
});

Deno.test("who waits for an answer is woken by each signal, and by it", async () => {
  const shared = makeSharedInterrupts();
  const interrupter = new Interrupter(shared, () => {});
  const code = `
    say("asleep");
    while (!interrupts.waitForAnswer(shared, 2)) {
      say("signal " + Atomics.exchange(shared.signal, 0, 0));
    }
    say("answered")`;
  const heard = await inGuest(shared, code, (said) => {
    if (said === "asleep") interrupter.executionStarted(7); // ticks
    else if (said === `signal ${SIGUSR1}`) interrupter.interrupt(7, false);
    else if (said === `signal ${SIGINT}`) {
      interrupter.executionEnded(); // from here on only the answer can wake it
      answered(shared, 2);
    }
  });
  const [first, last] = [`signal ${SIGUSR1}`, `signal ${SIGINT}`];
  assert.deepEqual(heard.slice(0, 2), ["asleep", first]);
  assert(heard.includes(last));
  assert.equal(heard.at(-1), "answered");
});

Deno.test("an answer that came first is found, and one to another question is none", () => {
  const shared = makeSharedInterrupts();
  answered(shared, 1);
  assert.equal(waitForAnswer(shared, 1), true);
  shared.signal[0] = SIGUSR1;
  assert.equal(waitForAnswer(shared, 2), false);
  answered(shared, 2);
  assert.equal(waitForAnswer(shared, 2), true, "a tick hides no answer");
});
