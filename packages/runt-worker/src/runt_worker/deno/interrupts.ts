/**
 * The shared memory through which the host thread reaches a busy guest.
 *
 * `signal` is Pyodide's interrupt buffer: a signal number that the interpreter takes
 * between two instructions. A single write can be lost, so the host repeats it until
 * the guest has counted the interrupt as handled; and because an interrupt is told in
 * two ways (a message for cells that await, the signal for cells that compute), the
 * count also keeps the second one from hitting whatever runs next.
 */

const SIGINT = 2;
const SIGUSR1 = 10;
const REQUESTED = 0;
const HANDLED = 1;

/** How often a running cell is asked to show what it has printed, in ms. */
export const TICK_MS = 50;

export interface SharedInterrupts {
  signal: Uint8Array;
  counts: Int32Array;
}

export function makeSharedInterrupts(): SharedInterrupts {
  return {
    signal: new Uint8Array(new SharedArrayBuffer(1)),
    counts: new Int32Array(new SharedArrayBuffer(8)),
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

/** Host side: knows which cell runs, asks it for output and interrupts it. */
export class Interrupter {
  readonly #shared: SharedInterrupts;
  readonly #post: (message: { type: "cancel" | "flush" }) => void;
  #execution: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #flushUnderWay = false;

  constructor(
    shared: SharedInterrupts,
    post: (message: { type: "cancel" | "flush" }) => void,
  ) {
    this.#shared = shared;
    this.#post = post;
  }

  executionStarted(request: number): void {
    clearInterrupts(this.#shared);
    this.#execution = request;
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

  /** Interrupt that execution; any other has nothing to do with it. */
  interrupt(request: number): void {
    if (this.#execution !== request) return;
    Atomics.add(this.#shared.counts, REQUESTED, 1);
    this.#post({ type: "cancel" });
    Atomics.store(this.#shared.signal, 0, SIGINT);
  }

  tick(): void {
    const { signal, counts } = this.#shared;
    if (Atomics.load(counts, REQUESTED) !== Atomics.load(counts, HANDLED)) {
      Atomics.store(signal, 0, SIGINT);
      return;
    }
    Atomics.compareExchange(signal, 0, 0, SIGUSR1);
    // A computing guest reads no messages: one in its queue is enough.
    if (this.#flushUnderWay) return;
    this.#flushUnderWay = true;
    this.#post({ type: "flush" });
  }
}
