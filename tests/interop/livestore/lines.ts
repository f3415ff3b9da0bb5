// One JSON value a line: requests on stdin, each answered on stdout before the next.
import process from "node:process";

const writeLine = process.stdout.write.bind(process.stdout);

export const tell = (value: unknown) => void writeLine(JSON.stringify(value) + "\n");

// deno-lint-ignore no-explicit-any -- each command reads its own fields
export type Request = any;

/** Answers requests until stdin ends; what goes wrong is an answer, too. */
export async function serveLines(respond: (request: Request) => unknown) {
  for await (const line of lines()) {
    try {
      tell({ ok: await respond(JSON.parse(line)) ?? null });
    } catch (error) {
      tell({ error: error instanceof Error ? error.message : String(error) });
    }
  }
}

// Not node:readline, for which a line also ends at U+2028, which JSON may hold.
async function* lines() {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
