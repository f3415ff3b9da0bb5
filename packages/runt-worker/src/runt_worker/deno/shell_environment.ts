/**
 * Pyodide's loader in an environment without Node's modules.
 *
 * It takes Deno for Node, whose modules take 40 ms to load. What it wants of them is to
 * read three files, and that it also asks of a bare JavaScript shell.
 *
 * Only in a worker thread: Emscripten, which looks around by itself, recognizes that, and
 * takes a main thread without Node for a shell with an `os` of its own.
 */

/** What such a shell offers; paths may be URLs of files. */
interface Shell {
  read(url: string): string;
  readbuffer(url: string): ArrayBuffer;
  load(): void;
}

const shell: Shell = {
  read: (url) => Deno.readTextFileSync(pathOf(url)),
  readbuffer: (url) => Deno.readFileSync(pathOf(url)).buffer,
  load: () => {}, // only looked for
};

/**
 * Do something as in a shell; what it finds out about its environment stays.
 *
 * @param omitted a file that is not read: it is there already, in another form
 */
export async function inShell<Result>(
  work: () => Promise<Result>,
  omitted?: string,
): Promise<Result> {
  const scope = globalThis as Record<string, unknown>;
  const node = Object.getOwnPropertyDescriptor(scope, "process");
  const readbuffer = (url: string) =>
    pathOf(url) === omitted ? new ArrayBuffer(0) : shell.readbuffer(url);
  Object.defineProperty(scope, "process", { value: undefined, configurable: true });
  Object.assign(scope, shell, { readbuffer });
  try {
    return await work();
  } finally {
    for (const name of Object.keys(shell)) delete scope[name];
    if (node !== undefined) Object.defineProperty(scope, "process", node);
  }
}

function pathOf(url: string): string {
  return url.replace(/^file:\/\//, "");
}
