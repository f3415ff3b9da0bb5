/**
 * How much the guest has sent that the supervisor has not taken: counted by both threads.
 *
 * Messages between threads and writes to a FIFO queue without bound. A cell that prints
 * faster than anybody reads would fill the memory with what it prints, and an interrupt
 * would show only when all of it is through. So the guest waits here while too much is
 * on its way. One that does not only fills its own process, which is watched.
 */

/** So many characters and bytes may be on their way before the next is held back. */
export const MAX_IN_FLIGHT = 2 * 1024 * 1024;

/** What each message costs besides: who takes 200 a second must not have thousands. */
const MESSAGE_SIZE = 16 * 1024;

/** The guest looks up so often, in ms: it may have been interrupted meanwhile. */
const LOOK_UP_MS = 20;

/** Shared memory of one number. */
export type InFlight = Int32Array<SharedArrayBuffer>;

export function makeInFlight(): InFlight {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** Guest side: this is on its way now. */
export function sent(inFlight: InFlight, head: string, tail?: Uint8Array): void {
  Atomics.add(inFlight, 0, sizeOf(head, tail));
}

/** Host side: the supervisor has it. */
export function arrived(inFlight: InFlight, head: string, tail?: Uint8Array): void {
  Atomics.sub(inFlight, 0, sizeOf(head, tail));
  Atomics.notify(inFlight, 0);
}

/** Guest side: wait a moment for room, and return whether there is some. */
export function hasRoom(inFlight: InFlight): boolean {
  const size = Atomics.load(inFlight, 0);
  if (size >= MAX_IN_FLIGHT) Atomics.wait(inFlight, 0, size, LOOK_UP_MS);
  return Atomics.load(inFlight, 0) < MAX_IN_FLIGHT;
}

function sizeOf(head: string, tail?: Uint8Array): number {
  return MESSAGE_SIZE + head.length + (tail?.length ?? 0);
}
