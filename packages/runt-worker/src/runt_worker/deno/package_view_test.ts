import assert from "node:assert/strict";
import { Errno } from "./emscripten.ts";
import type { EmscriptenModule, FileSystem, Node, Stream } from "./emscripten.ts";
import { PackageView } from "./package_view.ts";

class ErrnoError extends Error {
  constructor(readonly errno: number) {
    super(`errno ${errno}`);
  }
}

/** As much of Emscripten's file system as the view asks for. */
function fakeFileSystem(): FileSystem {
  let id = 0;
  const createNode = (parent: Node | null, name: string, mode: number) =>
    ({ id: ++id, name, mode, parent }) as Node;
  const hashRemoveNode = () => {};
  return { createNode, hashRemoveNode, ErrnoError } as unknown as FileSystem;
}

/** Lay out a host directory for each tree of path → text, and view them as one. */
function view(...trees: Record<string, string>[]): { view: PackageView; root: Node } {
  const view = new PackageView(fakeFileSystem(), {} as EmscriptenModule);
  const root = view.mount();
  for (const tree of trees) view.add(layOut(tree));
  return { view, root };
}

function layOut(tree: Record<string, string>): string {
  const directory = Deno.makeTempDirSync();
  globalThis.addEventListener(
    "unload",
    () => Deno.removeSync(directory, { recursive: true }),
  );
  for (const [path, text] of Object.entries(tree)) {
    const parent = path.split("/").slice(0, -1).join("/");
    Deno.mkdirSync(`${directory}/${parent}`, { recursive: true });
    Deno.writeTextFileSync(`${directory}/${path}`, text);
  }
  return directory;
}

function find(root: Node, path: string): Node {
  let node = root;
  for (const name of path.split("/")) node = node.node_ops.lookup(node, name);
  return node;
}

const list = (node: Node) => node.node_ops.readdir(node).sort();

function read(node: Node, position = 0, length = 1000): string {
  const stream = { node, position: 0, flags: 0 } as Stream;
  node.stream_ops.open(stream);
  const buffer = new Uint8Array(length);
  const count = node.stream_ops.read(stream, buffer, 0, length, position);
  node.stream_ops.close(stream);
  return new TextDecoder().decode(buffer.subarray(0, count));
}

Deno.test("files of several packages stand side by side", () => {
  const { root } = view({ "a/__init__.py": "A" }, { "b.py": "B" });
  assert.deepEqual(list(root), [".", "..", "a", "b.py"]);
  assert.equal(read(find(root, "a/__init__.py")), "A");
  assert.equal(read(find(root, "b.py"), 1), "");
});

Deno.test("namespace packages are merged, whenever they come; the first wins", () => {
  const { view: packages, root } = view({ "n/one.py": "1", "n/deep/x.py": "first" });
  const node = find(root, "n/deep");
  assert.deepEqual(list(node), [".", "..", "x.py"]);
  packages.add(
    layOut({ "n/two.py": "2", "n/deep/x.py": "second", "n/deep/y.py": "y" }),
  );
  assert.deepEqual(list(find(root, "n")), [".", "..", "deep", "one.py", "two.py"]);
  assert.deepEqual(list(node), [".", "..", "x.py", "y.py"]);
  assert.equal(read(find(root, "n/deep/x.py")), "first");
});

Deno.test("a directory that was added is not added again", () => {
  const directory = layOut({ "a.py": "" });
  const { view: packages, root } = view();
  packages.add(directory);
  packages.add(directory);
  assert.deepEqual(list(root), [".", "..", "a.py"]);
});

Deno.test("sizes are those of the host", () => {
  const { root } = view({ "a.py": "12345" });
  const node = find(root, "a.py");
  assert.equal(node.node_ops.getattr(node).size, 5);
});

Deno.test("links are not shown", () => {
  const directory = layOut({ "a.py": "" });
  Deno.symlinkSync("/etc/passwd", `${directory}/link`);
  const { view: packages, root } = view();
  packages.add(directory);
  assert.deepEqual(list(root), [".", "..", "a.py"]);
});

Deno.test("what is not there is ENOENT, and no way leads up to the host", () => {
  const { root } = view({ "a.py": "" });
  for (const name of ["missing", "../a.py", "/etc/passwd", "__proto__", ""]) {
    assert.throws(() => find(root, `${name}`), { errno: Errno.ENOENT });
  }
  assert.throws(() => list(find(root, "a.py")), { errno: Errno.ENOTDIR });
});

Deno.test("nothing can be changed", () => {
  const { root } = view({ "a.py": "text" });
  const node = find(root, "a.py");
  const operations = node.node_ops;
  const writable = { node, position: 0, flags: 1 } as Stream;
  for (
    const change of [
      () => operations.setattr(node, {}),
      () => operations.mknod(root, "b", 0, 0),
      () => operations.rename(node, root, "b"),
      () => operations.unlink(root, "a.py"),
      () => operations.rmdir(root, "a"),
      () => operations.symlink(root, "b", "a"),
      () => node.stream_ops.open(writable),
      () => node.stream_ops.write(writable, new Uint8Array(1), 0, 1, 0),
    ]
  ) assert.throws(change, { errno: Errno.EROFS });
  assert.equal(read(node), "text");
});

Deno.test("what is removed is gone, and what stood behind it appears", () => {
  const old = layOut({ "a.py": "old", "ns/one.py": "1" });
  const { view: packages, root } = view();
  packages.add(old);
  packages.add(layOut({ "a.py": "new", "ns/two.py": "2" }));
  assert.equal(read(find(root, "a.py")), "old");
  packages.remove(old);
  packages.remove(old);
  assert.deepEqual(list(root), [".", "..", "a.py", "ns"]);
  assert.equal(read(find(root, "a.py")), "new");
  assert.deepEqual(list(find(root, "ns")), [".", "..", "two.py"]);
  packages.add(old);
  assert.deepEqual(list(find(root, "ns")), [".", "..", "one.py", "two.py"]);
});

Deno.test("a removed directory is forgotten by name", () => {
  const forgotten: string[] = [];
  const fs = fakeFileSystem();
  fs.hashRemoveNode = (node) => forgotten.push(node.name);
  const packages = new PackageView(fs, {} as EmscriptenModule);
  const root = packages.mount();
  const directory = layOut({ "pkg/a.py": "A" });
  packages.add(directory);
  find(root, "pkg/a.py");
  packages.remove(directory);
  assert.deepEqual(forgotten.sort(), ["/", "a.py", "pkg"]);
});
