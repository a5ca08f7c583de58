// @ts-check
// The REST API. Every failure becomes an ApiError with words for the reader: what happened, and what to do next.

/** @import { Session } from "./session.js" */
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
  /** Address before `/cluster/…`: where this page came from. */
  base = new URL(".", document.baseURI).pathname.replace(/\/$/, "");

  /** Whose token every request shows; null where nobody needs to sign in. @type {Session | null} */
  session = null;

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

  /** @param {number} agent @returns {Promise<{ agent: number, text: string, etag: string }>} */
  directive(agent) {
    return this.json("GET", `/cluster/agents/${agent}/directive`);
  }

  /** @param {number} agent @param {string} text Empty: take it away. */
  saveDirective(agent, text) {
    const path = `/cluster/agents/${agent}/directive`;
    return text.trim() ? this.json("PUT", path, { text }) : this.json("DELETE", path);
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

  /**
   * Let the browser save what is there.
   * @param {string} path Such as `filePath(key, "download=1")`
   * @param {string} name
   */
  async download(path, name) {
    const address = await this.objectUrl(path);
    Object.assign(document.createElement("a"), { href: address, download: name }).click();
    window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  /** An address for pictures and links, of what is there now; to be revoked (`URL.revokeObjectURL`) when it is gone. @param {string} path */
  async objectUrl(path) {
    const response = await this.fetch(path, { signal: AbortSignal.timeout(300_000) });
    return URL.createObjectURL(await response.blob());
  }

  /** @param {string} name @param {Blob} body @returns {Promise<unknown>} */
  putKnowledge(name, body) {
    return this.fetch(`/cluster/knowledge?key=${encodeURIComponent(name)}`, { method: "PUT", body, signal: AbortSignal.timeout(300_000) });
  }

  /** All files of output/ in one archive. */
  zipPath() {
    return "/cluster/habitat.zip";
  }

  /** Who wrote a file, and its version before. @param {string} key */
  versionsPath(key) {
    const folder = key.startsWith("knowledge-base/") ? "knowledge" : "habitat";
    return `/cluster/${folder}/versions?key=${encodeURIComponent(key)}`;
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
    const token = await this.#token();
    let response = await this.#ask(path, options, token);
    if (response.status === 401 && this.session) {
      await this.session.renew(token);
      const fresh = await this.#token();
      if (fresh !== token) response = await this.#ask(path, options, fresh);
    }
    if (response.ok) return response;
    throw await refusal(response);
  }

  /** "" where none is needed. Without one that is needed nothing is asked at all: the server could only refuse. */
  async #token() {
    const token = (await this.session?.token()) ?? "";
    if (this.session && !token) throw new ApiError("Nobody is signed in.", { remedy: "Sign in again.", code: "signed_out", status: 401 });
    return token;
  }

  /** @param {string} path @param {RequestInit} options @param {string} token */
  async #ask(path, options, token) {
    try {
      const headers = { ...options.headers, ...(token ? { Authorization: token } : {}) };
      return await fetch(`${this.base}${path}`, { signal: AbortSignal.timeout(30_000), ...options, headers });
    } catch {
      throw new ApiError("The server does not answer.", {
        remedy: "Check that `murmur up` is running; this page reconnects by itself.",
      });
    }
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
