/**
 * Signals where Python runs under another thread state than its first.
 *
 * While `run_sync` waits, Pyodide runs everything else under thread states of its own.
 * CPython marks a signal as pending in the first one only, so a computation there would
 * not look for it before the first one goes on.
 *
 * Source: CPython 3.14, Include/cpython/pystate.h and Include/internal/pycore_ceval.h.
 */
import type { EmscriptenModule } from "./emscripten.ts";

/** Places of `interp` and `eval_breaker` in a PyThreadState, in words. */
const INTERPRETER = 2;
const EVAL_BREAKER = 3;
const SIGNALS_PENDING = 1 << 1;

/** Have the code that runs look for signals at its next step. */
export function hearSignals(module: EmscriptenModule): void {
  const state = module._PyThreadState_GetUnchecked() >> 2;
  const words = new Int32Array(module.memory.buffer);
  // Another layout than the one above: rather deaf than dead.
  if (words[state + INTERPRETER] !== module._PyInterpreterState_Get()) return;
  words[state + EVAL_BREAKER] |= SIGNALS_PENDING;
}
