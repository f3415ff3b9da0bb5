/**
 * Python's memory, which ends somewhere before the machine's does.
 *
 * This is usability, since guest code can undo it: a cell that asks for too much gets a
 * MemoryError, and the session goes on. What holds is the supervisor's watch over the
 * process.
 */

const PAGE_BYTES = 65536;

/** Let a memory grow to so many bytes and no further; more is refused as by the engine. */
export function capMemory(memory: WebAssembly.Memory, maxBytes: number): void {
  const grow = memory.grow.bind(memory);
  memory.grow = (pages: number) => {
    if (memory.buffer.byteLength + pages * PAGE_BYTES > maxBytes) {
      throw new RangeError("the limit of this sandbox's memory is reached");
    }
    return grow(pages);
  };
}
