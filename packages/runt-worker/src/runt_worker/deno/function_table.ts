/**
 * Emscripten's table of functions, grown once.
 *
 * While a module starts, Emscripten puts thousands of exported functions into the table
 * and makes room for each by itself, which takes 40 ms. How many there will be is known
 * from the module that the memory image was made of.
 */

/**
 * Make room for all functions, but let the table look as if it grew one by one: memory
 * images hold the places of functions.
 *
 * @param length how long the table will be
 * @returns call it when that many are there; the table is then its plain self
 */
export function growAtOnce(table: WebAssembly.Table, length: number): () => void {
  let used = table.length;
  table.grow(Math.max(length - used, 0));
  const grow = (count: number) => {
    const at = used;
    used += count;
    if (used > length) throw new RangeError("more functions than the image knows");
    return at;
  };
  Object.defineProperties(table, {
    length: { get: () => used, configurable: true },
    grow: { value: grow, configurable: true },
  });
  return () => {
    if (used < length) throw new RangeError("fewer functions than the image knows");
    Reflect.deleteProperty(table, "length");
    Reflect.deleteProperty(table, "grow");
  };
}
