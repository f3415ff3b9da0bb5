/** What the supervisor answers calls for files with. */

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

/** The same as they travel, in this order. */
export type SentAttributes = [
  ino: number,
  mode: number,
  nlink: number,
  size: number,
  blocks: number,
  atime: number,
  mtime: number,
  ctime: number,
];

/** A file that `open` found, as it travels. */
export interface SentFile {
  handle: number;
  attributes: SentAttributes;
}

/** The same, opened ahead; null if it could not be. */
export type SentAhead =
  | [handle: number, length: number, attributes: SentAttributes]
  | null;

/** A part of a listing. */
export interface Page {
  entries: [string, SentAttributes][];
  /** How to ask for the rest; null at the end. */
  more: number | null;
}

export function received(sent: SentAttributes): HostAttributes {
  const [ino, mode, nlink, size, blocks, atime, mtime, ctime] = sent;
  return { ino, mode, nlink, size, blocks, atime, mtime, ctime };
}
