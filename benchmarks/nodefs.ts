// The peer: Pyodide's own NODEFS, with all rights.
// deno run --allow-all nodefs.ts DISTRIBUTION VIEW ROOT CODE PACKAGE...
const [distribution, view, root, code, ...packages] = Deno.args;
const { PackageView } = await import(`file://${view}`);
const { loadPyodide } = await import(`file://${distribution}/pyodide.mjs`);
const py = await loadPyodide({ indexURL: `${distribution}/` });
const shown = new PackageView(py.FS, py._module);
py.FS.mount(shown, {}, "/lib/python3.14/site-packages");
for (const directory of packages) shown.add(directory);
py.FS.mkdirTree("/mounted");
py.FS.mount(py.FS.filesystems.NODEFS, { root }, "/mounted");
console.log(py.runPython(await Deno.readTextFile(code)));
Deno.exit(0);
