/**
 * Guesses which files a program opens next, when it goes through a directory.
 *
 * Reading thousands of small files would cost a call each. Once a program has opened
 * some files in the order of a listing and asked the host nothing else meanwhile, each
 * call brings the next ones along, already open.
 *
 * What was opened ahead is never older than anything else that the cell has seen of its
 * mounts: the next call of any other kind drops it. So a program that waits for one
 * file before it reads another finds what was there before.
 */
import type { Opened, Place } from "./file_client.ts";

/** So long an open may be answered by what was opened before. */
const BELIEVED_MS = 100;
/** So many files in order make a habit. */
const MIN_RUN = 2;
/** The supervisor opens no more along with a file. */
export const MAX_AHEAD = 64;

/** The names of a directory in one order that programs follow. */
interface Order {
  names: string[];
  /** Where each name is; made when it is needed. */
  indices: Map<string, number> | null;
  last: number;
  run: number;
}

export class OpenAhead {
  readonly #drop: (opened: Opened) => void;
  #directory = "";
  #orders: Order[] = [];
  readonly #ready = new Map<string, Opened>();
  #until = 0;

  /** @param drop closes a file that nobody wanted */
  constructor(drop: (opened: Opened) => void) {
    this.#drop = drop;
  }

  /** A directory was listed: its files may be opened next. */
  listed({ mount, path }: Place, names: string[]): void {
    this.#directory = `${mount}/${path}`;
    this.#orders = [orderOf(names), orderOf(names.toSorted())];
  }

  /** Return the file if it was opened ahead; it is the caller's now. */
  take({ mount, path }: Place): Opened | undefined {
    if (this.#ready.size === 0) return undefined;
    if (performance.now() > this.#until) this.#clear();
    const opened = this.#ready.get(`${mount}/${path}`);
    if (opened !== undefined) {
      this.#ready.delete(`${mount}/${path}`);
      this.#follow(path.slice(path.lastIndexOf("/") + 1));
    }
    return opened;
  }

  /** Return the names of files beside this one that are likely to be opened next. */
  next({ mount, path }: Place): string[] {
    this.#clear();
    const slash = path.lastIndexOf("/");
    const directory = `${mount}/${path.slice(0, Math.max(slash, 0))}`;
    if (directory !== this.#directory) return [];
    const order = this.#follow(path.slice(slash + 1));
    if (order.run < MIN_RUN) return [];
    const count = Math.min(2 ** order.run, MAX_AHEAD);
    return order.names.slice(order.last + 1, order.last + 1 + count);
  }

  /** Files were opened along with the one that was asked for. */
  add(files: Opened[]): void {
    for (const opened of files) {
      this.#ready.set(`${opened.place.mount}/${opened.place.path}`, opened);
    }
    this.#until = performance.now() + BELIEVED_MS;
  }

  /** The host is asked something else: what is ready would be older than the answer. */
  disturb(): void {
    for (const order of this.#orders) order.run = 0;
    this.#clear();
  }

  #clear(): void {
    if (this.#ready.size === 0) return;
    for (const opened of this.#ready.values()) this.#drop(opened);
    this.#ready.clear();
  }

  /** Note that this name is opened; return the order that fits best. */
  #follow(name: string): Order {
    for (const order of this.#orders) {
      order.indices ??= new Map(order.names.map((name, index) => [name, index]));
      const index = order.indices.get(name) ?? -1;
      order.run = index >= 0 && index === order.last + 1 ? order.run + 1 : 0;
      order.last = index;
    }
    return this.#orders.reduce((best, order) => order.run > best.run ? order : best);
  }
}

function orderOf(names: string[]): Order {
  return { names, indices: null, last: -1, run: 0 };
}
