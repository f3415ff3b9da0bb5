/**
 * The part of Emscripten's file-system interface that our file-system types use.
 *
 * Source: Emscripten's FS as built into Pyodide 314.0.3; `@types/emscripten` leaves
 * nodes and the operations tables untyped.
 */

/** Errno values of Emscripten (those of WASI, not of Linux). */
export const Errno = {
  EACCES: 2,
  EBADF: 8,
  EINTR: 27,
  EINVAL: 28,
  EIO: 29,
  EISDIR: 31,
  ENOENT: 44,
  ENOMEM: 48,
  ENOTDIR: 54,
  EROFS: 69,
} as const;

/** `st_mode` bits that we give out. */
export const Mode = { DIRECTORY: 0o040555, FILE: 0o100444 } as const;

/** What Emscripten asks to be changed; what is absent or null stays. */
export interface SetAttributes {
  mode?: number | null;
  size?: number | null;
  /** Times in ms since 1970. */
  atime?: number | null;
  mtime?: number | null;
}

export interface Node {
  id: number;
  name: string;
  mode: number;
  parent: Node;
  mount: { opts: unknown };
  node_ops: NodeOperations;
  stream_ops: StreamOperations;
}

export interface Stream {
  node: Node;
  position: number;
  flags: number;
}

export interface Attributes {
  dev: number;
  ino: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  size: number;
  atime: Date;
  mtime: Date;
  ctime: Date;
  blksize: number;
  blocks: number;
}

export interface NodeOperations {
  getattr(node: Node): Attributes;
  setattr(node: Node, attributes: SetAttributes): void;
  lookup(parent: Node, name: string): Node;
  mknod(parent: Node, name: string, mode: number, device: number): Node;
  rename(node: Node, newParent: Node, newName: string): void;
  unlink(parent: Node, name: string): void;
  rmdir(parent: Node, name: string): void;
  readdir(node: Node): string[];
  symlink(parent: Node, newName: string, target: string): Node;
  readlink(node: Node): string;
  statfs?(node: unknown): Record<string, number>;
}

export interface StreamOperations {
  open(stream: Stream): void;
  close(stream: Stream): void;
  dup?(stream: Stream): void;
  getattr?(stream: Stream): Attributes;
  setattr?(stream: Stream, attributes: SetAttributes): void;
  fsync?(stream: Stream): number;
  read(
    stream: Stream,
    buffer: Int8Array | Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number;
  write(
    stream: Stream,
    buffer: Int8Array | Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number;
  llseek(stream: Stream, offset: number, whence: number): number;
  mmap(
    stream: Stream,
    length: number,
    position: number,
  ): { ptr: number; allocated: boolean };
  msync(
    stream: Stream,
    buffer: Int8Array | Uint8Array,
    offset: number,
    length: number,
  ): number;
}

/** What `pyodide.FS` offers of Emscripten's `FS`. */
export interface FileSystem {
  FSNode: new (parent: Node | null, name: string, mode: number, device: number) => Node;
  createNode(parent: Node | null, name: string, mode: number, device: number): Node;
  hashRemoveNode(node: Node): void;
  lookupNode(parent: Node, name: string): Node;
  nodePermissions(node: Node, wanted: string): number;
  lookupPath(path: string): { node: Node };
  mkdirTree(path: string): void;
  mount(type: FileSystemType, options: unknown, path: string): void;
  isDir(mode: number): boolean;
  isFile(mode: number): boolean;
  ErrnoError: new (errno: number) => Error;
}

export interface FileSystemType {
  mount(mount: { opts: unknown }): Node;
}

/** What `pyodide._module` offers of the Emscripten module. */
export interface EmscriptenModule {
  HEAP8: Int8Array;
  HEAPU8: Uint8Array;
  memory: WebAssembly.Memory;
  mmapAlloc(length: number): number;
  /** Address of the current PyThreadState, or 0. */
  _PyThreadState_GetUnchecked(): number;
  /** Address of the PyInterpreterState. */
  _PyInterpreterState_Get(): number;
}
