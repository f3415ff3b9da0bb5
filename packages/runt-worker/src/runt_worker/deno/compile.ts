/**
 * Compiles the Python of packages to bytecode, in a process that runs nothing else.
 *
 * No user code, and no code of the packages, is ever executed here; that is what makes
 * its results fit for a cache that all sandboxes read. What to compile comes as JSON on
 * stdin, each result goes to stdout as a frame.
 */
import { encodeFrame } from "./frames.ts";

/** A file, by its place on the host and in the sandbox, and its number. */
interface Source {
  id: number;
  host_path: string;
  guest_path: string;
}

type BytecodeOf = (source: Uint8Array, guestPath: string) => Uint8Array | undefined;

const [distribution, script] = Deno.args;
const sources: Source[] = await new Response(Deno.stdin.readable).json();
const { loadPyodide } = await import(`file://${distribution}/pyodide.mjs`);
const pyodide = await loadPyodide({
  indexURL: `${distribution}/`,
  // stdout belongs to the frames.
  stdout: () => {},
  stderr: () => {},
});
pyodide.runPython(Deno.readTextFileSync(script));
pyodide.runPython(
  "from pyodide.ffi import to_js\n" +
    "def js_bytecode_of(source, guest_path):\n" +
    "    data = bytecode_of(source.to_bytes(), guest_path)\n" +
    "    return None if data is None else to_js(data)\n",
);
const bytecodeOf: BytecodeOf = pyodide.globals.get("js_bytecode_of");

for (const { id, host_path, guest_path } of sources) {
  const data = bytecodeOf(Deno.readFileSync(host_path), guest_path);
  writeAll(encodeFrame(JSON.stringify({ id }), data ?? new Uint8Array()));
}
Deno.exit(0);

function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}
