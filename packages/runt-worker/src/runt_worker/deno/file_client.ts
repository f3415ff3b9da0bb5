/**
 * File operations on the host, as synchronous calls to the supervisor.
 *
 * Nothing is decided here: which paths exist, what may be written and where a link may
 * lead is answered by `runt_vfs` on the other side. Attributes are remembered for a
 * moment, because programs ask for the same ones many times in a row.
 */
import type { Calls } from "./calls.ts";

/** What the supervisor tells of a file; times in ms since 1970. */
export interface HostAttributes {
  ino: number;
  mode: number;
  nlink: number;
  size: number;
  blocks: number;
  atime: number;
  mtime: number;
  ctime: number;
}

/** Changes to a file; what is absent stays as it is. */
export interface Changes {
  mode?: number;
  size?: number;
  atime?: number;
  mtime?: number;
}

/** Where a file is: a mount's number and the path below its root, "" for the root. */
export interface Place {
  mount: number;
  path: string;
}

/** An open file of a mount. */
export interface Handle {
  mount: number;
  handle: number;
}

export interface Opened {
  place: Place;
  handle: Handle;
  attributes: HostAttributes;
  /** The beginning of a file that was opened for reading. */
  head: Uint8Array;
}

/**
 * The supervisor's no, by the name of its errno.
 *
 * No Error: to capture the stack would cost more than the call, and nobody reads it.
 */
export class HostError {
  constructor(readonly code: string) {}
}

/** So long attributes are believed within a cell; NFS believes them for 3 s. */
export const ATTRIBUTES_MS = 1000;

/** So long a name is believed to be missing: Emscripten asks twice for each new file. */
const MISSING_MS = 10;

interface Remembered {
  /** null: there is no such file. */
  known: HostAttributes | null;
  until: number;
}

export class FileClient {
  readonly #calls: Calls;
  readonly #attributes = new Map<string, Remembered>();
  readonly #writes = new Map<string, number>();
  #forgotten = 0;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Counts what may have changed a file's contents: what was read before is old. */
  generation(opened: Opened): number {
    return this.#forgotten + (this.#writes.get(identityOf(opened)) ?? 0);
  }

  /** Believe nothing that was seen before: something may have changed it. */
  forget(): void {
    this.#forgotten++;
    this.#writes.clear();
    this.#attributes.clear();
  }

  attributes(place: Place): HostAttributes {
    const key = keyOf(place);
    const cached = this.#attributes.get(key);
    if (cached !== undefined && cached.until > performance.now()) {
      if (cached.known === null) throw new HostError("ENOENT");
      return cached.known;
    }
    try {
      const answer = this.#ask<{ attributes: HostAttributes }>("lstat", place);
      return this.#remember(key, answer.attributes);
    } catch (error) {
      if (error instanceof HostError && error.code === "ENOENT") {
        const until = performance.now() + MISSING_MS;
        this.#attributes.set(key, { known: null, until });
      }
      throw error;
    }
  }

  list(place: Place): string[] {
    type Entries = { entries: [string, HostAttributes][] };
    const { entries } = this.#ask<Entries>("readdir", place);
    const prefix = keyOf(place) + (place.path === "" ? "" : "/");
    for (const [name, attributes] of entries) this.#remember(prefix + name, attributes);
    return entries.map(([name]) => name);
  }

  open(place: Place, access: number, append: boolean): Opened {
    const parameters = JSON.stringify({ ...place, access, append });
    const { head, tail } = this.#calls.call("open", parameters);
    const answer = parse<{ handle: number; attributes: HostAttributes }>(head);
    const { handle, attributes } = answer;
    this.#remember(keyOf(place), attributes);
    return { place, handle: { mount: place.mount, handle }, attributes, head: tail };
  }

  handleAttributes(handle: Handle): HostAttributes {
    return this.#ask<{ attributes: HostAttributes }>("fstat", handle).attributes;
  }

  /** Read into `target`; fewer bytes than it holds mean the end of the file. */
  read(handle: Handle, offset: number, target: Uint8Array): number {
    const parameters = JSON.stringify({ ...handle, offset, length: target.length });
    const { head, tailLength } = this.#calls.callInto("read", parameters, target);
    parse(head);
    return tailLength;
  }

  write(opened: Opened, offset: number, bytes: Uint8Array): void {
    this.#contentChanges(opened);
    const parameters = JSON.stringify({ ...opened.handle, offset });
    parse(this.#calls.call("write", parameters, bytes).head);
  }

  truncate(opened: Opened, size: number): void {
    this.#contentChanges(opened);
    this.#ask("truncate", { ...opened.handle, size });
  }

  fsync(handle: Handle): void {
    this.#ask("fsync", handle);
  }

  /** Nobody waits for this: what could fail was reported by the writes before. */
  close(handle: Handle): void {
    this.#calls.tell("close", JSON.stringify(handle));
  }

  create(place: Place): void {
    this.#entryChanges(place);
    this.#ask("create", place);
  }

  change(place: Place, changes: Changes): void {
    this.#attributes.delete(keyOf(place));
    this.#forgotten++; // which open files bear this name is not known here
    this.#ask("setattr", { ...place, ...changes });
  }

  mkdir(place: Place, mode: number): void {
    this.#entryChanges(place);
    this.#ask("mkdir", { ...place, mode });
  }

  rmdir(place: Place): void {
    this.#entryChanges(place);
    this.#ask("rmdir", place);
  }

  unlink(place: Place): void {
    this.#entryChanges(place);
    this.#ask("unlink", place);
  }

  rename(place: Place, newPath: string): void {
    this.forget(); // all that lies below has other names, too
    this.#ask("rename", { ...place, new_path: newPath });
  }

  symlink(place: Place, target: string): void {
    this.#entryChanges(place);
    this.#ask("symlink", { ...place, target });
  }

  readlink(place: Place): string {
    return this.#ask<{ target: string }>("readlink", place).target;
  }

  statfs(mount: number): Record<string, number> {
    type Answer = { statistics: Record<string, number> };
    return this.#ask<Answer>("statfs", { mount }).statistics;
  }

  #contentChanges(opened: Opened): void {
    const identity = identityOf(opened);
    this.#writes.set(identity, (this.#writes.get(identity) ?? 0) + 1);
    this.#attributes.delete(keyOf(opened.place));
  }

  #entryChanges(place: Place): void {
    const parent = place.path.slice(0, Math.max(place.path.lastIndexOf("/"), 0));
    this.#attributes.delete(keyOf(place));
    this.#attributes.delete(keyOf({ ...place, path: parent }));
  }

  #ask<Answer>(method: string, parameters: object): Answer {
    return parse<Answer>(this.#calls.call(method, JSON.stringify(parameters)).head);
  }

  #remember(key: string, known: HostAttributes): HostAttributes {
    this.#attributes.set(key, { known, until: performance.now() + ATTRIBUTES_MS });
    return known;
  }
}

function parse<Answer>(head: string): Answer {
  const answer = JSON.parse(head);
  if (typeof answer.code === "string") throw new HostError(answer.code);
  return answer;
}

/** The same for all openings of a file, whatever its names are. */
export function identityOf({ place, attributes }: Opened): string {
  return `${place.mount}:${attributes.ino}`;
}

function keyOf({ mount, path }: Place): string {
  return `${mount}/${path}`;
}
