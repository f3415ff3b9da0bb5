/**
 * A file-system type for Emscripten that shows host directories, live.
 *
 * Nothing is copied and nothing is read before it is asked for. Every look-up goes to
 * the host (through a memory of one second), because a file there can be replaced at
 * any time; Emscripten's own table of nodes would hold on to the old one.
 *
 * Consistency is close-to-open, as in NFS: what was written is on the host when the
 * file is closed or flushed, and an open sees what is on the host.
 */
import { Errno } from "./emscripten.ts";
import type {
  Attributes,
  EmscriptenModule,
  FileSystem,
  FileSystemType,
  Node,
  NodeOperations,
  SetAttributes,
  Stream,
  StreamOperations,
} from "./emscripten.ts";
import { FileBuffer } from "./file_buffer.ts";
import { HostError } from "./file_client.ts";
import type { Changes, FileClient, Place } from "./file_client.ts";
import type { HostAttributes } from "./file_messages.ts";

/** A node of ours; a mount's root knows which mount it is. */
interface HostNode extends Node {
  hostMount: number;
  /** Set between the making of a file and the chmod with which Emscripten follows. */
  isNew?: boolean;
}

interface HostStream extends Stream {
  node: HostNode;
  /** Shared by the descriptors that dup made of one. */
  shared: { file: FileBuffer; references: number };
}

const ACCESS_MODE = 3;
const APPEND = 1024;
const WRITE_BITS = 0o222;
/** Mounts are devices of their own; `runt_kernel._locks` knows them by that. */
const FIRST_DEVICE = 0x100;
/** What `open` creates files with unless a program says otherwise. */
const DEFAULT_MODE = 0o666;

export class HostFiles {
  readonly #fs: FileSystem;
  readonly #module: EmscriptenModule;
  readonly #errnoCodes: Record<string, number>;
  readonly #client: FileClient;
  readonly #dirty = new Set<FileBuffer>();
  readonly #aliases = new Map<Node, Map<string, string>>();
  readonly #nodeOperations: NodeOperations;
  readonly #streamOperations: StreamOperations;

  constructor(
    fs: FileSystem,
    module: EmscriptenModule,
    errnoCodes: Record<string, number>,
    client: FileClient,
  ) {
    this.#fs = fs;
    this.#module = module;
    this.#errnoCodes = errnoCodes;
    this.#client = client;
    this.#nodeOperations = this.#translated(this.#makeNodeOperations());
    this.#streamOperations = this.#translated(this.#makeStreamOperations());
    this.#takeOver();
  }

  /** Show the mount with that number at a place of the sandbox. */
  mount(number: number, guestPath: string): void {
    const type: FileSystemType = {
      mount: () => {
        const { mode } = this.#client.attributes({ mount: number, path: "" });
        return this.#node(null, "/", mode, number);
      },
    };
    this.#fs.mkdirTree(guestPath);
    // Emscripten hands `root` to statfs.
    this.#fs.mount(type, { root: number }, guestPath);
  }

  /** Let an entry of a directory be found under a second name that is not listed. */
  alias(directory: string, alias: string, name: string): void {
    const { node } = this.#fs.lookupPath(directory);
    this.#aliases.set(node, (this.#aliases.get(node) ?? new Map()).set(alias, name));
  }

  /** Between cells: write out what is gathered, and believe nothing seen before. */
  settle(): void {
    try {
      this.#flush();
    } finally {
      this.#client.forget();
      this.#client.settle();
    }
  }

  /** The cell learns something that is newer than files opened ahead. */
  disturb(): void {
    this.#client.disturb();
  }

  #node(parent: HostNode | null, name: string, mode: number, mount: number): HostNode {
    // Past Emscripten's table of nodes, which would hold on to it.
    const node = new this.#fs.FSNode(parent, name, mode, 0) as HostNode;
    node.node_ops = this.#nodeOperations;
    node.stream_ops = this.#streamOperations;
    node.hostMount = mount;
    return node;
  }

  /** Whatever is written to a file, or to any, must be seen by whoever looks. */
  #flush(identity?: string): void {
    for (const file of this.#dirty) {
      if (identity === undefined || file.identity === identity) file.flush();
    }
  }

  #makeNodeOperations(): NodeOperations {
    const child = (parent: Node, name: string) => placeOf(parent as HostNode, name);
    return {
      getattr: (node) => {
        this.#flush();
        const place = placeOf(node as HostNode);
        return attributesOf(place.mount, this.#client.attributes(place));
      },
      setattr: (node, attributes) => this.#setattr(node as HostNode, attributes),
      lookup: (parent, name) => {
        const mode = this.#client.mode(child(parent, name));
        const { hostMount } = parent as HostNode;
        return this.#node(parent as HostNode, name, mode, hostMount);
      },
      mknod: (parent, name, mode) => {
        const place = child(parent, name);
        if (this.#fs.isDir(mode)) this.#client.mkdir(place, mode & 0o777);
        else if (this.#fs.isFile(mode)) this.#client.create(place);
        else throw new HostError("EPERM");
        const { hostMount } = parent as HostNode;
        const node = this.#node(parent as HostNode, name, mode, hostMount);
        node.isNew = this.#fs.isFile(mode);
        return node;
      },
      rename: (node, newParent, newName) => {
        this.#flush();
        const target = child(newParent, newName);
        this.#client.rename(placeOf(node as HostNode), target.path);
        node.name = newName;
      },
      unlink: (parent, name) => this.#client.unlink(child(parent, name)),
      rmdir: (parent, name) => this.#client.rmdir(child(parent, name)),
      readdir: (node) => [
        ".",
        "..",
        ...this.#client.list(placeOf(node as HostNode)),
      ],
      symlink: (parent, name, target) => {
        const place = child(parent, name);
        this.#client.symlink(place, target);
        const mode = this.#client.mode(place);
        const { hostMount } = parent as HostNode;
        return this.#node(parent as HostNode, name, mode, hostMount);
      },
      readlink: (node) => this.#client.readlink(placeOf(node as HostNode)),
      statfs: (mount) => this.#client.statfs(mount as number),
    };
  }

  #makeStreamOperations(): StreamOperations {
    const fileOf = (stream: Stream) => (stream as HostStream).shared.file;
    return {
      open: (stream) => {
        const { node, shared } = stream as HostStream;
        if (this.#fs.isDir(node.mode)) return;
        this.#flush();
        const opened = this.#client.open(
          placeOf(node),
          stream.flags & ACCESS_MODE,
          (stream.flags & APPEND) !== 0,
        );
        shared.file = new FileBuffer(this.#client, opened, (file, isDirty) => {
          if (!isDirty) this.#dirty.delete(file);
          else {
            // What is written reaches the host in the order in which it was: a database
            // whose cell is killed must find its journal.
            this.#flush();
            this.#dirty.add(file);
          }
        });
        shared.references = 1;
      },
      dup: (stream) => {
        (stream as HostStream).shared.references++;
      },
      close: (stream) => {
        const { shared } = stream as HostStream;
        if (shared.file !== undefined && --shared.references === 0) shared.file.close();
      },
      getattr: (stream) => {
        const file = fileOf(stream);
        return file === undefined
          ? this.#nodeOperations.getattr(stream.node)
          : attributesOf((stream.node as HostNode).hostMount, file.attributes());
      },
      setattr: (stream, attributes) => {
        const { size, ...others } = attributes;
        if (typeof size === "number") fileOf(stream).truncate(size);
        this.#setattr(stream.node as HostNode, others);
      },
      read: (stream, buffer, offset, length, position) => {
        const file = fileOf(stream);
        this.#flush(file.identity);
        return file.read(bytesOf(buffer).subarray(offset, offset + length), position);
      },
      write: (stream, buffer, offset, length, position) => {
        const heap = bytesOf(buffer);
        fileOf(stream).write(heap.subarray(offset, offset + length), position);
        return length;
      },
      llseek: (stream, offset, whence) => {
        let position = offset;
        if (whence === 1) position += stream.position;
        if (whence === 2) position += fileOf(stream)?.attributes().size ?? 0;
        if (position < 0) throw new HostError("EINVAL");
        return position;
      },
      mmap: (stream, length, position) => {
        const ptr = this.#module.mmapAlloc(length);
        if (ptr === 0) throw new HostError("ENOMEM");
        const heap = bytesOf(this.#module.HEAP8);
        fileOf(stream).read(heap.subarray(ptr, ptr + length), position);
        return { ptr, allocated: true };
      },
      msync: (stream, buffer, offset, length) => {
        const file = fileOf(stream);
        file.write(bytesOf(buffer).subarray(0, length), offset);
        file.flush();
        return 0;
      },
      fsync: (stream) => {
        fileOf(stream)?.fsync();
        return 0;
      },
    };
  }

  #setattr(node: HostNode, attributes: SetAttributes): void {
    const changes = changesOf(attributes);
    const isNew = node.isNew;
    node.isNew = false;
    if (isNew && changes.mode !== undefined) {
      // Emscripten's open sets the mode after it made the file. The usual one was set
      // by the host already, less what the user's umask takes away.
      if ((changes.mode & 0o777) === DEFAULT_MODE) return;
    }
    if (Object.keys(changes).length === 0) return; // a chown, which has no meaning here
    this.#flush();
    this.#client.change(placeOf(node), changes);
  }

  /** Let Emscripten ask us where it would look into its own tables. */
  #takeOver(): void {
    const { lookupNode, nodePermissions } = this.#fs;
    const isOurs = (node: Node) => node.node_ops === this.#nodeOperations;
    this.#fs.lookupNode = (parent, name) =>
      isOurs(parent) ? this.#nodeOperations.lookup(parent, name) : lookupNode.call(
        this.#fs,
        parent,
        this.#aliases.get(parent)?.get(name) ?? name,
      );
    this.#fs.nodePermissions = (node, wanted) => {
      if (!isOurs(node)) return nodePermissions.call(this.#fs, node, wanted);
      // Only for a quick and early no, e.g. to os.access: the supervisor decides.
      const isDenied = wanted.includes("w") && (node.mode & WRITE_BITS) === 0;
      return isDenied ? Errno.EACCES : 0;
    };
  }

  /** Let every operation throw what Emscripten turns into an errno. */
  #translated<Operations extends object>(operations: Operations): Operations {
    for (const [name, operation] of Object.entries(operations)) {
      (operations as Record<string, unknown>)[name] = (...parameters: unknown[]) => {
        try {
          return operation(...parameters);
        } catch (error) {
          if (!(error instanceof HostError)) throw error;
          throw new this.#fs.ErrnoError(this.#errnoCodes[error.code] ?? Errno.EIO);
        }
      };
    }
    return operations;
  }
}

function placeOf(node: HostNode, name?: string): Place {
  const parts = name === undefined ? [] : [name];
  for (let at: Node = node; at.parent !== at; at = at.parent) parts.push(at.name);
  return { mount: node.hostMount, path: parts.reverse().join("/") };
}

function attributesOf(mount: number, host: HostAttributes): Attributes {
  return {
    dev: FIRST_DEVICE + mount,
    ino: host.ino,
    mode: host.mode,
    nlink: host.nlink,
    uid: 0,
    gid: 0,
    rdev: 0,
    size: host.size,
    atime: new Date(host.atime),
    mtime: new Date(host.mtime),
    ctime: new Date(host.ctime),
    blksize: 4096,
    blocks: host.blocks,
  };
}

function changesOf(attributes: SetAttributes): Changes {
  const changes: Changes = {};
  if (typeof attributes.mode === "number") changes.mode = attributes.mode & 0o7777;
  if (typeof attributes.size === "number") changes.size = attributes.size;
  if (typeof attributes.atime === "number") changes.atime = attributes.atime;
  if (typeof attributes.mtime === "number") changes.mtime = attributes.mtime;
  return changes;
}

function bytesOf(buffer: Int8Array | Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
