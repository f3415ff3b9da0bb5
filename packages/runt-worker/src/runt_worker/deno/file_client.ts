/**
 * File operations on the host, as synchronous calls to the supervisor.
 *
 * Nothing is decided here: which paths exist, what may be written and where a link may
 * lead is answered by `runt_vfs` on the other side. Attributes are remembered for a
 * moment, because programs ask for the same ones many times in a row.
 */
import type { Answer, Calls } from "./calls.ts";
import { received } from "./file_messages.ts";
import type {
  HostAttributes,
  Page,
  SentAhead,
  SentAttributes,
  SentFile,
} from "./file_messages.ts";
import { OpenAhead } from "./open_ahead.ts";

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

/** So much longer for each entry of a listing: to go through all of them takes that. */
const LISTED_MS = 0.1;
const MAX_LISTED_MS = 10_000;

/** So long a name is believed to be missing: Emscripten asks twice for each new file. */
const MISSING_MS = 10;

/** Only files that come whole with their opening are opened ahead. */
export const HEAD_BYTES = 64 * 1024;
/** So much comes along with one opening, at most. */
const MAX_AHEAD_BYTES = 1024 * 1024;

const NO_BYTES = new Uint8Array();
const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const READ_ONLY = 0;

interface Remembered {
  /** null: there is no such file. */
  known: HostAttributes | null;
  until: number;
  /** Whether all but its kind and permissions may have changed since. */
  isOld: boolean;
}

/** So many files wait to be closed along with the next call, at most. */
const MAX_CLOSING = 128;

export class FileClient {
  readonly #calls: Calls;
  readonly #attributes = new Map<string, Remembered>();
  readonly #writes = new Map<string, number>();
  readonly #ahead = new OpenAhead(({ handle }) => this.close(handle, false));
  /** Made a moment ago, and still open: Emscripten opens it in a second step. */
  #made: Opened | null = null;
  /** Handles by mount. */
  readonly #closing = new Map<number, number[]>();
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
    this.#ahead.disturb();
    this.#dropMade();
  }

  /** Let no file be older than what the cell is about to learn by another way. */
  disturb(): void {
    this.#ahead.disturb();
  }

  attributes(place: Place): HostAttributes {
    return this.#attributesOf(place, false);
  }

  /** Its kind and permissions, which writing to a file or directory leaves alone. */
  mode(place: Place): number {
    return this.#attributesOf(place, true).mode;
  }

  #attributesOf(place: Place, isModeEnough: boolean): HostAttributes {
    const key = keyOf(place);
    const cached = this.#attributes.get(key);
    if (
      cached !== undefined && (isModeEnough || !cached.isOld) &&
      cached.until > performance.now()
    ) {
      if (cached.known === null) throw new HostError("ENOENT");
      return cached.known;
    }
    try {
      const answer = this.#ask<{ attributes: SentAttributes }>("lstat", place);
      return this.#remember(key, received(answer.attributes));
    } catch (error) {
      if (error instanceof HostError && error.code === "ENOENT") {
        const until = performance.now() + MISSING_MS;
        this.#attributes.set(key, { known: null, until, isOld: false });
      }
      throw error;
    }
  }

  list(place: Place): string[] {
    const names: string[] = [];
    const prefix = keyOf(place) + (place.path === "" ? "" : "/");
    const { mount } = place;
    const all: Remembered[] = [];
    let page = this.#ask<Page>("readdir", place);
    while (true) {
      for (const [name, attributes] of page.entries) {
        const remembered = { known: received(attributes), until: 0, isOld: false };
        this.#attributes.set(prefix + name, remembered);
        all.push(remembered);
        names.push(name);
      }
      if (page.more === null) break;
      page = this.#ask<Page>("readdir_more", { mount, listing: page.more });
    }
    const listed = Math.min(names.length * LISTED_MS, MAX_LISTED_MS);
    const until = performance.now() + ATTRIBUTES_MS + listed;
    for (const remembered of all) remembered.until = until;
    this.#ahead.listed(place, names);
    return names;
  }

  open(place: Place, access: number, append: boolean): Opened {
    if (this.#made !== null && keyOf(this.#made.place) === keyOf(place) && !append) {
      const made = this.#made;
      this.#made = null;
      return made;
    }
    this.#dropMade();
    if (access !== READ_ONLY || append) {
      this.#prepare();
      return this.#open(place, access, append, []);
    }
    const ready = this.#ahead.take(place);
    if (ready !== undefined) return ready;
    const ahead = this.#small(place, this.#ahead.next(place));
    this.#close();
    return this.#open(place, access, append, ahead);
  }

  #open(place: Place, access: number, append: boolean, ahead: string[]): Opened {
    const parameters = JSON.stringify({ ...place, access, append, ahead });
    const { answer, tail } = this.#calls.call("open", parameters);
    const found = accepted<SentFile & { ahead?: SentAhead[] }>(answer);
    if (found.ahead === undefined) return this.#opened(place, found, tail);
    let end = tail.length;
    const files: Opened[] = [];
    for (let index = found.ahead.length - 1; index >= 0; index--) {
      const file = found.ahead[index];
      if (file === null) continue;
      const [handle, length, attributes] = file;
      const head = tail.subarray(end - length, end);
      end -= length;
      const sibling = siblingOf(place, ahead[index]);
      files.push(this.#opened(sibling, { handle, attributes }, head));
    }
    this.#ahead.add(files);
    return this.#opened(place, found, tail.subarray(0, end));
  }

  #opened(place: Place, { handle, attributes }: SentFile, head: Uint8Array): Opened {
    const known = this.#remember(keyOf(place), received(attributes));
    return { place, handle: { mount: place.mount, handle }, attributes: known, head };
  }

  /** Leave those that come whole with their opening, as far as is known. */
  #small(place: Place, names: string[]): string[] {
    let room = MAX_AHEAD_BYTES;
    return names.filter((name) => {
      const known = this.#attributes.get(keyOf(siblingOf(place, name)))?.known;
      if (!known || (known.mode & FILE_TYPE) !== REGULAR) return false;
      if (known.size >= HEAD_BYTES || known.size > room) return false;
      room -= known.size;
      return true;
    });
  }

  #dropMade(): void {
    if (this.#made === null) return;
    this.close(this.#made.handle, true);
    this.#made = null;
  }

  handleAttributes(handle: Handle): HostAttributes {
    const answer = this.#ask<{ attributes: SentAttributes }>("fstat", handle);
    return received(answer.attributes);
  }

  /** Read into `target`; fewer bytes than it holds mean the end of the file. */
  read(handle: Handle, offset: number, target: Uint8Array): number {
    const parameters = JSON.stringify({ ...handle, offset, length: target.length });
    this.#prepare();
    const { answer, tailLength } = this.#calls.callInto("read", parameters, target);
    accepted(answer);
    return tailLength;
  }

  write(opened: Opened, offset: number, bytes: Uint8Array): void {
    this.#contentChanges(opened);
    const parameters = JSON.stringify({ ...opened.handle, offset });
    this.#prepare();
    accepted(this.#calls.call("write", parameters, bytes).answer);
  }

  truncate(opened: Opened, size: number): void {
    this.#contentChanges(opened);
    this.#ask("truncate", { ...opened.handle, size });
  }

  fsync(handle: Handle): void {
    this.#ask("fsync", handle);
  }

  /**
   * Nobody waits for this: what could fail was reported by the writes before.
   *
   * @param isWritten whether the host may do something with the file now, such as
   *   sending it to a server; else it goes with the next call
   */
  close({ mount, handle }: Handle, isWritten: boolean): void {
    const handles = this.#closing.get(mount);
    if (handles === undefined) this.#closing.set(mount, [handle]);
    else handles.push(handle);
    if (isWritten || (handles?.length ?? 0) >= MAX_CLOSING) this.settle();
  }

  /** Close what waits to be closed. */
  settle(): void {
    this.#close();
    this.#calls.sendWaiting();
  }

  #close(): void {
    if (this.#closing.size === 0) return;
    for (const [mount, handles] of this.#closing) {
      this.#calls.tellLater("close", JSON.stringify({ mount, handles }));
    }
    this.#closing.clear();
  }

  create(place: Place): void {
    this.#entryChanges(place);
    const file = this.#ask<SentFile>("create", place);
    this.#made = this.#opened(place, file, NO_BYTES);
  }

  change(place: Place, changes: Changes): void {
    const key = keyOf(place);
    this.#attributes.delete(key);
    this.#forgotten++; // which open files bear this name is not known here
    const parameters = { ...place, ...changes };
    const answer = this.#ask<{ attributes: SentAttributes }>("setattr", parameters);
    this.#remember(key, received(answer.attributes));
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
    this.#grow(keyOf(opened.place));
  }

  #entryChanges(place: Place): void {
    const parent = place.path.slice(0, Math.max(place.path.lastIndexOf("/"), 0));
    this.#attributes.delete(keyOf(place));
    this.#grow(keyOf({ ...place, path: parent }));
  }

  /** Believe of a file or directory only what writing to it leaves alone. */
  #grow(key: string): void {
    const cached = this.#attributes.get(key);
    if (cached !== undefined) cached.isOld = true;
  }

  /** Before each call but that of an opening in a row. */
  #prepare(): void {
    this.#ahead.disturb();
    this.#dropMade();
    this.#close();
  }

  #ask<Wanted>(method: string, parameters: object): Wanted {
    this.#prepare();
    return accepted(this.#calls.call(method, JSON.stringify(parameters)).answer);
  }

  #remember(key: string, known: HostAttributes): HostAttributes {
    const until = performance.now() + ATTRIBUTES_MS;
    this.#attributes.set(key, { known, until, isOld: false });
    return known;
  }
}

function accepted<Wanted>(answer: Answer): Wanted {
  if (typeof answer.code === "string") throw new HostError(answer.code);
  return answer as Wanted;
}

/** The same for all openings of a file, whatever its names are. */
export function identityOf({ place, attributes }: Opened): string {
  return `${place.mount}:${attributes.ino}`;
}

function siblingOf({ mount, path }: Place, name: string): Place {
  return { mount, path: path.slice(0, path.lastIndexOf("/") + 1) + name };
}

function keyOf({ mount, path }: Place): string {
  return `${mount}/${path}`;
}
