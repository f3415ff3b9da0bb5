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
import { encodeImage, ImageFile } from "./image.ts";

/** What Pyodide has beyond its public types. */
export type Pyodide = PyodideInterface & {
  _module: EmscriptenModule;
  _api: { on_fatal: (error: unknown) => void };
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

const ENVIRONMENT = {
  HOME: "/home/pyodide",
  MPLBACKEND: "module://matplotlib_inline.backend_inline",
  PYTHONDONTWRITEBYTECODE: "1",
};
const PAGE_BYTES = 65536;

export function startFresh(distribution: string): Promise<Pyodide> {
  return load(distribution, {});
}

/** Start an interpreter of which `makeImage` can make an image. */
export function startForImage(distribution: string): Promise<Pyodide> {
  return load(distribution, { _makeSnapshot: true });
}

/** Return the image of an interpreter whose Python holds no JavaScript objects. */
export function makeImage(pyodide: Pyodide): Uint8Array<ArrayBuffer> {
  const snapshot = pyodide.makeMemorySnapshot();
  // Its second word says where the memory begins (Pyodide 314.0.3, core/snapshot).
  const start = new DataView(snapshot.buffer).getUint32(4, true);
  return encodeImage(snapshot.subarray(0, start), snapshot.subarray(start));
}

/**
 * Start an interpreter that goes on where the image was made.
 *
 * @param distribution directory of Pyodide
 * @param imagePath the image
 * @param compiled Pyodide's `pyodide.asm.wasm`
 */
export async function restore(
  distribution: string,
  imagePath: string,
  compiled: Promise<WebAssembly.Module>,
): Promise<Pyodide> {
  const image = new ImageFile(imagePath);
  const { default: makeModule } = await import(
    `file://${distribution}/pyodide.asm.mjs`
  );
  const createPyodideModule: MakeModule = async (settings) => {
    let ownBytes = 0;
    settings.instantiateWasm = (imports, done) => {
      instantiate(compiled, imports).then(([instance, module]) => {
        const memory = instance.exports.memory as WebAssembly.Memory;
        ownBytes = memory.buffer.byteLength;
        const missing = Math.max(image.memoryBytes - ownBytes, 0);
        memory.grow(Math.ceil(missing / PAGE_BYTES));
        done(instance, module);
      });
      return {};
    };
    const module = await (makeModule as MakeModule)(settings);
    // Now that everything has initialized itself, and before Pyodide goes on.
    image.readInto(module.HEAPU8, ownBytes);
    return module;
  };
  return await load(distribution, { _loadSnapshot: image.header, createPyodideModule });
}

async function instantiate(
  compiled: Promise<WebAssembly.Module>,
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

async function load(distribution: string, options: object): Promise<Pyodide> {
  const { loadPyodide } = await import(`file://${distribution}/pyodide.mjs`);
  return await loadPyodide({
    indexURL: `${distribution}/`,
    env: ENVIRONMENT,
    ...options,
  });
}
