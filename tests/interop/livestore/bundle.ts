// Makes one file for workerd out of worker.ts and the packages that it imports.
// Argument: where to put it.
import { build, stop } from "esbuild";

const [outfile] = Deno.args;

await build({
  entryPoints: [new URL("worker.ts", import.meta.url).pathname],
  outfile,
  bundle: true,
  format: "esm",
  platform: "browser",
  conditions: ["workerd", "worker", "browser", "import"],
  mainFields: ["module", "main"],
  external: ["cloudflare:*", "node:*"],
  logLevel: "warning",
});
await stop();
