// One JSON value a line: requests on stdin, each answered on stdout before the next.
import { createInterface } from "node:readline";
import process from "node:process";

const writeLine = process.stdout.write.bind(process.stdout);

export const tell = (value: unknown) => void writeLine(JSON.stringify(value) + "\n");

// deno-lint-ignore no-explicit-any -- each command reads its own fields
export type Request = any;

/** Answers requests until stdin ends; what goes wrong is an answer, too. */
export async function serveLines(respond: (request: Request) => unknown) {
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      tell({ ok: await respond(JSON.parse(line)) ?? null });
    } catch (error) {
      tell({ error: error instanceof Error ? error.message : String(error) });
    }
  }
}
