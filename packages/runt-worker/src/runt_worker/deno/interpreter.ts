/**
 * Pyodide, started from nothing or from a memory image.
 *
 * An image is the interpreter's memory after IPython and the kernel were imported; to
 * read it takes a twentieth of the time that the imports take. `_makeSnapshot` and
 * `_loadSnapshot` are options without promise, so an image belongs to one build of
 * Pyodide, and what does not restore is started from nothing.
 */
import type { PyodideInterface } from "pyodide";
import type { EmscriptenModule } from "./emscripten.ts";
import { growAtOnce } from "./function_table.ts";
import { encodeImage, ImageFile } from "./image.ts";
import { inShell } from "./shell_environment.ts";

/** What Pyodide has beyond its public types. */
export type Pyodide = PyodideInterface & {
  _module: EmscriptenModule;
  _api: {
    on_fatal: (error: unknown) => void;
    scheduleCallback: (callback: () => void, delayMs: number) => void;
  };
  makeMemorySnapshot(): Uint8Array<ArrayBuffer>;
};

type MakeModule = (settings: Settings) => Promise<EmscriptenModule>;

/** What Pyodide gives to Emscripten's factory. */
interface Settings {
  instantiateWasm(
    imports: Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): unknown;
}

type Imports = WebAssembly.Imports & { env: WebAssembly.ModuleImports };

/** What a module exports that we use. */
interface Exports extends WebAssembly.Exports {
  memory: WebAssembly.Memory;
  __indirect_function_table: WebAssembly.Table;
  sbrk(increment: number): number;
}

const ENVIRONMENT = {
  HOME: "/home/pyodide",
  MPLBACKEND: "module://matplotlib_inline.backend_inline",
  PYTHONDONTWRITEBYTECODE: "1",
};
const PAGE_BYTES = 65536;

/** An interpreter, and how many functions its module had when it had started. */
export interface Started {
  pyodide: Pyodide;
  functions: number;
}

/** Pyodide's `pyodide.asm.wasm`, which takes a while. */
export type Compiled = Promise<WebAssembly.Module>;

export function startFresh(
  distribution: string,
  compiled: Compiled,
): Promise<Pyodide> {
  return start(distribution, compiled, {}, { instantiated() {}, ready() {} });
}

/** Start an interpreter of which `makeImage` can make an image. */
export async function startForImage(
  distribution: string,
  compiled: Compiled,
): Promise<Started> {
  let functions = 0;
  const pyodide = await start(distribution, compiled, { _makeSnapshot: true }, {
    instantiated() {},
    ready(_module, exports) {
      functions = exports.__indirect_function_table.length;
    },
  });
  return { pyodide, functions };
}

/** Return the image of an interpreter whose Python holds no JavaScript objects. */
export function makeImage({ pyodide, functions }: Started): Uint8Array<ArrayBuffer> {
  const snapshot = pyodide.makeMemorySnapshot();
  // Its second word says where the memory begins (Pyodide 314.0.3, core/snapshot).
  const start = new DataView(snapshot.buffer).getUint32(4, true);
  const header = snapshot.subarray(0, start);
  return encodeImage(header, functions, snapshot.subarray(start));
}

/**
 * Start an interpreter that goes on where the image was made.
 *
 * @param distribution directory of Pyodide
 * @param imagePath the image
 * @param compiled Pyodide's code
 */
export function restore(
  distribution: string,
  imagePath: string,
  compiled: Compiled,
): Promise<Pyodide> {
  const image = new ImageFile(imagePath);
  let settle = () => {};
  return start(distribution, compiled, { _loadSnapshot: image.header }, {
    instantiated({ memory, __indirect_function_table: table }) {
      const missing = Math.max(image.memoryBytes - memory.buffer.byteLength, 0);
      memory.grow(Math.ceil(missing / PAGE_BYTES));
      settle = growAtOnce(table, image.functions);
    },
    ready(module, exports) {
      settle();
      // Beyond the break nothing was ever written.
      image.readInto(module.HEAPU8, exports.sbrk(0));
    },
  });
}

/** What is done to a module while it starts. */
interface Steps {
  /** Nothing of it has run yet. */
  instantiated(exports: Exports): void;
  /** Everything has initialized itself, and Pyodide has not gone on. */
  ready(module: EmscriptenModule, exports: Exports): void;
}

async function start(
  distribution: string,
  compiled: Compiled,
  options: object,
  steps: Steps,
): Promise<Pyodide> {
  const { default: makeModule } = await import(
    `file://${distribution}/pyodide.asm.mjs`
  );
  const createPyodideModule: MakeModule = async (settings) => {
    const instantiated = Promise.withResolvers<Exports>();
    settings.instantiateWasm = (imports, done) => {
      instantiate(compiled, imports).then(([instance, module]) => {
        const exports = instance.exports as Exports;
        steps.instantiated(exports);
        done(instance, module);
        instantiated.resolve(exports);
      });
      return {};
    };
    const module = await (makeModule as MakeModule)(settings);
    steps.ready(module, await instantiated.promise);
    return module;
  };
  return await inShell(async () => {
    const { loadPyodide } = await import(`file://${distribution}/pyodide.mjs`);
    return await loadPyodide({
      indexURL: `file://${distribution}/`,
      env: ENVIRONMENT,
      createPyodideModule,
      ...options,
    });
  }, wasmOf(distribution));
}

async function instantiate(
  compiled: Compiled,
  imports: Imports,
): Promise<[WebAssembly.Instance, WebAssembly.Module]> {
  // What stands for «JavaScript raised» in Pyodide's C code (its own choice where
  // WebAssembly has no references to such objects).
  const marker = Symbol("error");
  imports.env.Jsv_GetError_import = () => marker;
  imports.env.JsvError_Check = (value: unknown) => value === marker;
  const module = await compiled;
  return [await WebAssembly.instantiate(module, imports), module];
}

function wasmOf(distribution: string): string {
  return `${distribution}/pyodide.asm.wasm`;
}
