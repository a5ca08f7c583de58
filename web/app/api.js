// @ts-check
// The REST API. Every failure becomes an ApiError with words for the reader: what happened, and what to do next.

/** @import { Config, Control, Direction, Entry, FileInfo, Status } from "./types.js" */

/** What the API, or the way to it, said no with. `field` names the setting that is wrong, where one is. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{ remedy?: string, code?: string, status?: number }} [more]
   */
  constructor(message, { remedy = "", code = "unavailable", status = 0 } = {}) {
    super(message);
    this.name = "ApiError";
    this.remedy = remedy;
    this.code = code;
    this.status = status;
    this.field = code === "invalid_config" ? (/^(\w+)(?: = |:| )/.exec(message)?.[1] ?? "") : "";
  }
}

/** @typedef {{ files: FileInfo[], more: boolean, after: string }} FilePage */

export class Api {
  /** @param {string} [base] Address before `/cluster/…`; empty: the server this page came from. */
  constructor(base = "") {
    this.base = base;
  }

  /** @returns {Promise<Status>} */
  status() {
    return this.json("GET", "/cluster/status");
  }

  /** @returns {Promise<Config>} */
  config() {
    return this.json("GET", "/cluster/config");
  }

  /** @param {Config} changes Only the fields that change. @returns {Promise<Config>} */
  saveConfig(changes) {
    return this.json("PUT", "/cluster/config", changes);
  }

  /** @returns {Promise<Direction>} */
  direction() {
    return this.json("GET", "/cluster/direction");
  }

  /** @param {string} text @returns {Promise<Direction>} */
  saveDirection(text) {
    return this.json("PUT", "/cluster/direction", { text });
  }

  /** @param {{ direction?: string, config?: Config }} [changes] @returns {Promise<Partial<Control>>} */
  start(changes = {}) {
    return this.json("POST", "/cluster/start", changes);
  }

  /** @param {"pause" | "resume" | "stop"} verb @returns {Promise<Partial<Control>>} */
  act(verb) {
    return this.json("POST", `/cluster/${verb}`, {});
  }

  /**
   * @param {number} agent
   * @param {number} after  Entries newer than this iteration
   * @returns {Promise<{ agent: number, entries: Entry[], more: boolean, bad_lines?: number }>}
   */
  log(agent, after, limit = 200) {
    return this.json("GET", `/cluster/agents/${agent}/log?after=${after}&limit=${limit}`);
  }

  /** @param {"habitat" | "knowledge"} folder @param {string} [after] @returns {Promise<FilePage>} */
  files(folder, after = "") {
    return this.json("GET", `/cluster/${folder}${after ? `?after=${encodeURIComponent(after)}` : ""}`);
  }

  /** @param {string} key @param {string} [how] `rendered=html`, `download=1`, `length=…`. @returns {string} The path of a file. */
  filePath(key, how = "") {
    const folder = key.startsWith("knowledge-base/") ? "knowledge" : "habitat";
    return `/cluster/${folder}/file?key=${encodeURIComponent(key)}${how ? `&${how}` : ""}`;
  }

  /** @param {string} key @param {string} [how] The same, as an address for links and pictures. */
  fileUrl(key, how) {
    return this.base + this.filePath(key, how);
  }

  /** @param {string} name @param {Blob} body @returns {Promise<unknown>} */
  putKnowledge(name, body) {
    return this.fetch(`/cluster/knowledge?key=${encodeURIComponent(name)}`, { method: "PUT", body, signal: AbortSignal.timeout(300_000) });
  }

  zipUrl() {
    return `${this.base}/cluster/habitat.zip`;
  }

  /** @returns {Promise<{ ticket: string }>} */
  ticket() {
    return this.json("POST", "/cluster/ticket", {});
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async json(method, path, body) {
    const response = await this.fetch(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    try {
      return await response.json();
    } catch {
      throw new ApiError("The server's answer could not be read.", { remedy: "Reload the page, or run `murmur doctor`." });
    }
  }

  /** @param {string} path @param {RequestInit} [options] @returns {Promise<Response>} A successful answer. */
  async fetch(path, options = {}) {
    let response;
    try {
      response = await fetch(`${this.base}${path}`, { signal: AbortSignal.timeout(30_000), ...options });
    } catch {
      throw new ApiError("The server does not answer.", {
        remedy: "Check that `murmur up` is running; this page reconnects by itself.",
      });
    }
    if (response.ok) return response;
    throw await refusal(response);
  }
}

/** @param {Response} response */
async function refusal(response) {
  /** @type {any} */
  const body = await response.json().catch(() => null);
  const message = body?.message ?? body?.error ?? `The server answered ${response.status}.`;
  const remedy = body?.remedy ?? (body?.message || body?.error ? "" : "Try again; if it stays, run `murmur doctor`.");
  return new ApiError(String(message), { remedy: String(remedy), code: String(body?.code ?? "error"), status: response.status });
}
