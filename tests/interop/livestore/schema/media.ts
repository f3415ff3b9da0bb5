// What of a media representation a row shows: the twin of runt_protocol/_media.py.
import type { Representation, Representations } from "./events.ts";

const displayPreference = [
  "application/vnd.plotly.v1+json",
  ...[6, 5, 4, 3, 2].map((version) => `application/vnd.vegalite.v${version}+json`),
  ...[5, 4, 3].map((version) => `application/vnd.vega.v${version}+json`),
  "application/vnd.jupyter.widget-view+json",
  "application/vnd.jupyter.widget-state+json",
  "application/vnd.dataresource+json",
  "application/vdom.v1+json",
  "application/geo+json",
  "application/json",
  "application/javascript",
  "text/html",
  "image/svg+xml",
  "image/png",
  "image/jpeg",
  "image/gif",
  "text/latex",
  "text/markdown",
  "text/plain",
];

const resultPreference = [
  "text/html",
  "image/png",
  "image/jpeg",
  "image/svg+xml",
  "application/json",
  "text/plain",
];

export interface Primary {
  data: string;
  mimeType: string;
}

export const primaryOfDisplay = (all: Representations) =>
  primary(all, displayPreference);

export const primaryOfResult = (all: Representations) => primary(all, resultPreference);

export const nothingPrimary: Primary = { data: "", mimeType: "text/plain" };

export const inlineText = (content: Representation) =>
  content.type === "inline" ? String(content.data) : null;

export const artifactId = (content: Representation) =>
  content.type === "artifact" ? content.artifactId : null;

function primary(all: Representations, preference: string[]): Primary | undefined {
  const mimeType = preference.find((type) => Object.hasOwn(all, type));
  if (mimeType === undefined) return undefined;
  const chosen = all[mimeType];
  const data = chosen.type === "inline" ? String(chosen.data || "") : "";
  return { data, mimeType };
}
