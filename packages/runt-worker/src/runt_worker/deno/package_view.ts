/**
 * A read-only file system that shows many unpacked packages as one `site-packages`.
 *
 * Host directories join it one by one; where two of them hold a directory of the same
 * name (namespace packages), their entries are merged and the first one wins a clash.
 * What it shows never changes on the host, so listings and sizes are remembered.
 */
import { Errno, Mode } from "./emscripten.ts";
import type {
  Attributes,
  EmscriptenModule,
  FileSystem,
  FileSystemType,
  Node,
  NodeOperations,
  Stream,
  StreamOperations,
} from "./emscripten.ts";

interface HostFile {
  kind: "file";
  hostPath: string;
  info?: { size: number; mtime: Date };
}

interface HostDirectory {
  kind: "directory";
  hostPaths: string[];
  entries?: Map<string, HostEntry>;
  changed: Date;
}

type HostEntry = HostFile | HostDirectory;

interface OpenFile extends Stream {
  contents: Uint8Array;
}

export class PackageView implements FileSystemType {
  readonly #fs: FileSystem;
  readonly #module: EmscriptenModule;
  readonly #root: HostDirectory = directory([]);
  readonly #entries = new Map<Node, HostEntry>();
  readonly #nodeOperations: NodeOperations;
  readonly #streamOperations: StreamOperations;

  constructor(fs: FileSystem, module: EmscriptenModule) {
    this.#fs = fs;
    this.#module = module;
    this.#nodeOperations = this.#makeNodeOperations();
    this.#streamOperations = this.#makeStreamOperations();
  }

  /** Let the entries of one more host directory appear. */
  add(hostPath: string): void {
    if (this.#root.hostPaths.includes(hostPath)) return;
    const entries = listing(this.#root);
    for (const [name, entry] of listing(directory([hostPath]))) {
      const known = entries.get(name);
      if (known === undefined) entries.set(name, entry);
      else merge(known, entry);
    }
    this.#root.hostPaths.push(hostPath);
    this.#root.changed = new Date(); // Python's path finder asks for the time of change
  }

  /** Let what one host directory showed disappear; files that are open stay open. */
  remove(hostPath: string): void {
    const left = this.#root.hostPaths.filter((path) => path !== hostPath);
    if (left.length === this.#root.hostPaths.length) return;
    this.#root.hostPaths = [];
    this.#root.entries = new Map();
    for (const node of this.#entries.keys()) {
      // Emscripten finds by name what it has found once, without asking us again.
      if (node.parent !== node) this.#fs.hashRemoveNode(node);
    }
    for (const path of left) this.add(path);
    this.#root.changed = new Date();
  }

  mount(): Node {
    return this.#node(null, "/", this.#root);
  }

  #node(parent: Node | null, name: string, entry: HostEntry): Node {
    const mode = entry.kind === "directory" ? Mode.DIRECTORY : Mode.FILE;
    const node = this.#fs.createNode(parent, name, mode, 0);
    node.node_ops = this.#nodeOperations;
    node.stream_ops = this.#streamOperations;
    this.#entries.set(node, entry);
    return node;
  }

  #entry(node: Node): HostEntry {
    const entry = this.#entries.get(node);
    if (entry === undefined) throw this.#error(Errno.ENOENT);
    return entry;
  }

  #error(errno: number): Error {
    return new this.#fs.ErrnoError(errno);
  }

  #makeNodeOperations(): NodeOperations {
    const readOnly = () => {
      throw this.#error(Errno.EROFS);
    };
    return {
      getattr: (node) => attributes(node, this.#entry(node)),
      lookup: (parent, name) => {
        const entry = this.#entry(parent);
        const found = entry.kind === "directory" ? listing(entry).get(name) : undefined;
        if (found === undefined) throw this.#error(Errno.ENOENT);
        return this.#node(parent, name, found);
      },
      readdir: (node) => {
        const entry = this.#entry(node);
        if (entry.kind !== "directory") throw this.#error(Errno.ENOTDIR);
        return [".", "..", ...listing(entry).keys()];
      },
      readlink: () => {
        throw this.#error(Errno.EINVAL);
      },
      setattr: readOnly,
      mknod: readOnly,
      rename: readOnly,
      unlink: readOnly,
      rmdir: readOnly,
      symlink: readOnly,
    };
  }

  #makeStreamOperations(): StreamOperations {
    return {
      open: (stream) => {
        const entry = this.#entry(stream.node);
        if ((stream.flags & 3) !== 0) throw this.#error(Errno.EROFS);
        if (entry.kind === "file") {
          // Whole, because an import reads it whole: one call instead of several.
          (stream as OpenFile).contents = Deno.readFileSync(entry.hostPath);
        }
      },
      close: (stream) => {
        (stream as OpenFile).contents = new Uint8Array();
      },
      read: (stream, buffer, offset, length, position) => {
        const { contents } = stream as OpenFile;
        const chunk = contents.subarray(position, position + length);
        buffer.set(chunk, offset);
        return chunk.length;
      },
      write: () => {
        throw this.#error(Errno.EROFS);
      },
      llseek: (stream, offset, whence) => {
        let position = offset;
        if (whence === 1) position += stream.position;
        if (whence === 2) position += (stream as OpenFile).contents.length;
        if (position < 0) throw this.#error(Errno.EINVAL);
        return position;
      },
      mmap: (stream, length, position) => {
        const ptr = this.#module.mmapAlloc(length);
        if (ptr === 0) throw this.#error(Errno.ENOMEM);
        const { contents } = stream as OpenFile;
        const chunk = contents.subarray(position, position + length);
        this.#module.HEAP8.set(chunk, ptr);
        return { ptr, allocated: true };
      },
      msync: () => 0,
    };
  }
}

function directory(hostPaths: string[]): HostDirectory {
  return { kind: "directory", hostPaths, changed: new Date() };
}

/** Read a directory once; links and special files are not shown. */
function listing(entry: HostDirectory): Map<string, HostEntry> {
  if (entry.entries === undefined) {
    entry.entries = new Map();
    for (const hostPath of entry.hostPaths) addEntries(entry.entries, hostPath);
  }
  return entry.entries;
}

function addEntries(entries: Map<string, HostEntry>, hostPath: string): void {
  for (const { name, isFile, isDirectory } of Deno.readDirSync(hostPath)) {
    const path = `${hostPath}/${name}`;
    const known = entries.get(name);
    if (isDirectory && known !== undefined) merge(known, directory([path]));
    else if (isDirectory) entries.set(name, directory([path]));
    else if (isFile && known === undefined) {
      entries.set(name, { kind: "file", hostPath: path });
    }
  }
}

function merge(known: HostEntry, added: HostEntry): void {
  if (known.kind !== "directory" || added.kind !== "directory") return;
  known.hostPaths.push(...added.hostPaths);
  known.changed = new Date();
  // Nodes hold these entries, so what is remembered is extended, not replaced.
  if (known.entries === undefined) return;
  for (const hostPath of added.hostPaths) addEntries(known.entries, hostPath);
}

function attributes(node: Node, entry: HostEntry): Attributes {
  let size = 4096;
  let time = new Date(0);
  if (entry.kind === "file") {
    const info = (entry.info ??= fileInfo(entry.hostPath));
    size = info.size;
    time = info.mtime;
  } else time = entry.changed;
  return {
    dev: 1,
    ino: node.id,
    mode: node.mode,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    size,
    atime: time,
    mtime: time,
    ctime: time,
    blksize: 4096,
    blocks: Math.ceil(size / 512),
  };
}

function fileInfo(hostPath: string): { size: number; mtime: Date } {
  const { size, mtime } = Deno.statSync(hostPath);
  return { size, mtime: mtime ?? new Date(0) };
}
