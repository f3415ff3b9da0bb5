/**
 * `XMLHttpRequest` that blocks, for libraries which cannot await: Pyodide's `open_url` and
 * `pyxhr`, urllib3 where the stack cannot be switched.
 *
 * Only what these use of it.
 */
import type { Head, Network } from "./network.ts";

const decoder = new TextDecoder();

/** Return the class, whose instances request over `network`. */
export function makeXMLHttpRequest(network: Network) {
  return class XMLHttpRequest {
    static readonly UNSENT = 0;
    static readonly DONE = 4;

    responseType = "";
    timeout = 0;
    readyState = 0;
    #method = "GET";
    #url = "";
    #headers: [string, string][] = [];
    #head: Head | undefined;
    #body = new Uint8Array();

    open(method: string, url: string, async = true): void {
      if (async) {
        throw new DOMException(
          "an XMLHttpRequest blocks here; fetch does not",
          "NotSupportedError",
        );
      }
      this.#method = method.toUpperCase();
      this.#url = new URL(url).href;
      this.#headers = [];
    }

    setRequestHeader(name: string, value: string): void {
      this.#headers.push([name, String(value)]);
    }

    overrideMimeType(): void {}

    send(body?: string | ArrayBuffer | Uint8Array | null): void {
      const exchange = network.start({
        method: this.#method,
        url: this.#url,
        headers: this.#headers,
        redirect: "follow",
        body: bytesOf(body),
      });
      const parts: Uint8Array<ArrayBuffer>[] = [];
      const end = this.timeout > 0 ? Date.now() + this.timeout : Infinity;
      try {
        for (let ended = false; !ended;) {
          const part = exchange.receive(true);
          this.#head = part.head ?? this.#head;
          parts.push(part.bytes);
          ended = part.ended;
          if (!ended && Date.now() > end) {
            throw new DOMException("the request took too long", "TimeoutError");
          }
        }
      } catch (error) {
        throw error instanceof TypeError
          ? new DOMException(error.message, "NetworkError")
          : error;
      } finally {
        exchange.close();
      }
      this.#body = joined(parts);
      this.readyState = 4;
    }

    get status(): number {
      return this.#head?.status ?? 0;
    }

    get statusText(): string {
      return this.#head?.reason ?? "";
    }

    get responseURL(): string {
      return this.#head?.url ?? "";
    }

    get responseText(): string {
      return decoder.decode(this.#body);
    }

    get response(): string | ArrayBuffer {
      return this.responseType === "arraybuffer"
        ? this.#body.buffer
        : this.responseText;
    }

    getResponseHeader(name: string): string | null {
      const found = this.#named(name);
      return found.length > 0 ? found.join(", ") : null;
    }

    getAllResponseHeaders(): string {
      const lines = (this.#head?.headers ?? []).map(([name, value]) =>
        `${name.toLowerCase()}: ${value}\r\n`
      );
      return lines.join("");
    }

    #named(wanted: string): string[] {
      return (this.#head?.headers ?? [])
        .filter(([name]) => name.toLowerCase() === wanted.toLowerCase())
        .map(([, value]) => value);
    }
  };
}

function bytesOf(
  body: string | ArrayBuffer | Uint8Array | null | undefined,
): Uint8Array | undefined {
  if (body === null || body === undefined) return undefined;
  if (typeof body === "string") return new TextEncoder().encode(body);
  return body instanceof Uint8Array ? body : new Uint8Array(body);
}

function joined(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
