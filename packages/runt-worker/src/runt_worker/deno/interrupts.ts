/**
 * The shared memory through which the host thread reaches a busy guest.
 *
 * `signal` is a signal number that the interpreter takes between two instructions. It
 * can come to nothing, so the host repeats it until the guest has counted the interrupt
 * as handled; and because an interrupt is told in two ways (a message for cells that
 * await, the signal for cells that compute), the count also keeps the second one from
 * hitting whatever runs next.
 */

const SIGINT = 2;
const SIGUSR1 = 10;
/** An interrupt that no cell shall withstand; `_kernel.py` listens to it. */
const SIGUSR2 = 12;
const REQUESTED = 0;
const HANDLED = 1;
/** Grows with whatever wakes a guest that sleeps: a signal, an answer. */
const WAKES = 2;
/** The number of the question of `input()` that was answered last. */
const ANSWERED = 3;

/** How often a running cell is asked to show what it has printed, in ms. */
export const TICK_MS = 50;

export interface SharedInterrupts {
  signal: Uint8Array;
  counts: Int32Array;
}

export function makeSharedInterrupts(): SharedInterrupts {
  return {
    signal: new Uint8Array(new SharedArrayBuffer(1)),
    counts: new Int32Array(new SharedArrayBuffer(16)),
  };
}

/** Guest side: true for the first asker after an interrupt was requested. */
export function takeInterrupt({ counts }: SharedInterrupts): boolean {
  const requested = Atomics.load(counts, REQUESTED);
  return Atomics.exchange(counts, HANDLED, requested) !== requested;
}

/** Guest side: forget what was meant for an earlier cell. */
export function clearInterrupts(shared: SharedInterrupts): void {
  Atomics.store(shared.signal, 0, 0);
  takeInterrupt(shared);
}

/** Guest side: block for so long, or until there is a signal to take. */
export function pause({ signal, counts }: SharedInterrupts, seconds: number): void {
  const heard = Atomics.load(counts, WAKES);
  if (Atomics.load(signal, 0) !== 0) return;
  Atomics.wait(counts, WAKES, heard, seconds * 1000);
}

/**
 * Guest side: block until a question is answered, or until there is a signal to take;
 * return whether it is answered.
 */
export function waitForAnswer(shared: SharedInterrupts, question: number): boolean {
  const { signal, counts } = shared;
  const isAnswered = () => Atomics.load(counts, ANSWERED) === question;
  const heard = Atomics.load(counts, WAKES); // before looking: what comes then is seen
  if (isAnswered()) return true;
  if (Atomics.load(signal, 0) === 0) Atomics.wait(counts, WAKES, heard);
  return isAnswered();
}

/** Host side: let a guest that waits for the answer to this question go on. */
export function answered({ counts }: SharedInterrupts, question: number): void {
  Atomics.store(counts, ANSWERED, question);
  wake(counts);
}

function wake(counts: Int32Array): void {
  Atomics.add(counts, WAKES, 1);
  Atomics.notify(counts, WAKES);
}

/**
 * Guest side: return what Pyodide reads as its interrupt buffer.
 *
 * It reads a number and then writes 0; a signal that comes between would be lost in an
 * ordinary buffer.
 *
 * @param onSignal called before Pyodide is told of a signal
 */
export function interruptBuffer(
  { signal }: SharedInterrupts,
  onSignal: () => void,
): Uint8Array {
  const buffer = {
    get 0(): number {
      if (signal[0] === 0) return 0;
      onSignal();
      return Atomics.exchange(signal, 0, 0);
    },
    set 0(_value: number) {
      // Reading has taken it.
    },
  };
  return buffer as unknown as Uint8Array;
}

/** What the host thread asks of a guest that is busy with something else. */
export type Asked = { type: "cancel"; force: boolean } | { type: "flush" };

/** Host side: knows which cell runs, asks it for output and interrupts it. */
export class Interrupter {
  readonly #shared: SharedInterrupts;
  readonly #post: (message: Asked) => void;
  #execution: number | undefined;
  #interrupt = SIGINT;
  #timer: ReturnType<typeof setInterval> | undefined;
  #flushUnderWay = false;

  constructor(shared: SharedInterrupts, post: (message: Asked) => void) {
    this.#shared = shared;
    this.#post = post;
  }

  executionStarted(request: number): void {
    clearInterrupts(this.#shared);
    this.#execution = request;
    this.#interrupt = SIGINT;
    this.#timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  executionEnded(): void {
    this.#execution = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The guest has answered a flush message. */
  flushed(): void {
    this.#flushUnderWay = false;
  }

  /**
   * Interrupt that execution; any other has nothing to do with it.
   *
   * @param force leave it no way to go on, from now on
   */
  interrupt(request: number, force: boolean): void {
    if (this.#execution !== request) return;
    if (force) this.#interrupt = SIGUSR2;
    Atomics.add(this.#shared.counts, REQUESTED, 1);
    this.#post({ type: "cancel", force: this.#interrupt === SIGUSR2 });
    this.#signal(this.#interrupt);
  }

  tick(): void {
    const { signal, counts } = this.#shared;
    if (Atomics.load(counts, REQUESTED) !== Atomics.load(counts, HANDLED)) {
      this.#signal(this.#interrupt);
      return;
    }
    if (Atomics.load(signal, 0) === 0) this.#signal(SIGUSR1);
    // A computing guest reads no messages: one in its queue is enough.
    if (this.#flushUnderWay) return;
    this.#flushUnderWay = true;
    this.#post({ type: "flush" });
  }

  #signal(number: number): void {
    Atomics.store(this.#shared.signal, 0, number);
    wake(this.#shared.counts);
  }
}
