/**
 * Callbacks that run as soon as the event loop is free.
 *
 * Pyodide takes `setTimeout` in Deno, where each of a chain of them costs 2 ms, and a
 * step of asyncio takes two. A message to oneself costs a hundredth of that, and lets
 * timers and other messages have their turn just as well.
 */
export function makeSchedule(): (callback: () => void, delayMs: number) => void {
  const { port1, port2 } = new MessageChannel();
  const post = port2.postMessage.bind(port2); // whatever becomes of its prototype
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (callback, delayMs) => {
    if (delayMs > 0) return void setTimeout(callback, delayMs);
    waiting.push(callback);
    post(null);
  };
}
