// The peers: a plain Pyodide with all rights, that sees a directory through Pyodide's own
// NODEFS, or copies it into its memory at the start, as the TypeScript agent does.
// deno run --allow-all file_peers.ts nodefs|copy DISTRIBUTION VIEW ROOT CODE PACKAGE...
const [kind, distribution, view, root, code, ...packages] = Deno.args;
const { PackageView } = await import(`file://${view}`);
const { loadPyodide } = await import(`file://${distribution}/pyodide.mjs`);
const py = await loadPyodide({ indexURL: `${distribution}/` });
const shown = new PackageView(py.FS, py._module);
py.FS.mount(shown, {}, "/lib/python3.14/site-packages");
for (const directory of packages) shown.add(directory);
py.FS.mkdirTree("/mounted");

function copy(from: string, to: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) {
      py.FS.mkdirTree(`${to}/${name}`);
      copy(`${from}/${name}`, `${to}/${name}`);
    } else {
      py.FS.writeFile(`${to}/${name}`, Deno.readFileSync(`${from}/${name}`));
    }
  }
}

const before = { ms: performance.now(), bytes: Deno.memoryUsage().rss };
if (kind === "copy") copy(root, "/mounted");
else py.FS.mount(py.FS.filesystems.NODEFS, { root }, "/mounted");
const mounting = {
  milliseconds: performance.now() - before.ms,
  mebibytes: (Deno.memoryUsage().rss - before.bytes) / 2 ** 20,
};
const result = py.runPython(await Deno.readTextFile(code));
console.log(JSON.stringify({ mounting, result }));
Deno.exit(0);
