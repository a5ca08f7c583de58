// @ts-check
// The files of output/ and knowledge-base/: listed once, then kept up to date from what the server says.

import { Emitter } from "./emitter.js";

/** @import { Api } from "./api.js" */
/** @import { Store } from "./store.js" */
/** @import { FileChange, FileInfo } from "./types.js" */

const MOST = 5000;
const AGAIN_MS = 400;

/** Topics: list, when what there is has changed; changed (key), when a file has. */
export class Files extends Emitter {
  /** @type {Map<string, FileInfo>} */
  byKey = new Map();
  /** @type {unknown} Why the last listing failed; null if it did not. */
  error = null;
  loaded = false;
  #waiting = false;
  /** @type {FileChange[] | null} Changes heard while a listing is under way; null while none is. */
  #meanwhile = null;

  /** @param {Api} api @param {Store} store */
  constructor(api, store) {
    super();
    this.api = api;
    this.store = store;
    store.on("file", (change) => this.#change(change));
    store.on("run", () => this.soon());
    store.on("snapshot", () => this.soon()); // changes that fell into a break in the connection
  }

  /** List again shortly; asking several times lists once. */
  soon() {
    if (this.#waiting) return;
    this.#waiting = true;
    window.setTimeout(() => {
      this.#waiting = false;
      void this.load();
    }, this.loaded ? AGAIN_MS : 0);
  }

  /** What changes while the listing is on its way is laid over it. */
  async load() {
    if (this.#meanwhile) return;
    this.#meanwhile = [];
    try {
      const found = [...(await this.#all("habitat")), ...(await this.#all("knowledge"))];
      this.byKey = new Map(found.map((file) => [file.key, file]));
      for (const change of this.#meanwhile) this.#lay(change);
      this.error = null;
      this.loaded = true;
    } catch (error) {
      this.error = error;
    }
    this.#meanwhile = null;
    this.emit("list");
  }

  /** @param {"habitat" | "knowledge"} folder */
  async #all(folder) {
    /** @type {FileInfo[]} */
    const found = [];
    let after = "";
    do {
      const page = await this.api.files(folder, after);
      found.push(...page.files);
      after = page.more ? page.after : "";
    } while (after && found.length < MOST);
    return found;
  }

  /** @param {FileChange} change */
  #change(change) {
    this.#meanwhile?.push(change);
    this.#lay(change);
    this.emit("list");
    this.emit("changed", change.key);
  }

  /** @param {FileChange} change */
  #lay({ key, etag = "", size = 0, deleted = false, agent = null, iteration = null }) {
    if (deleted) this.byKey.delete(key);
    else this.byKey.set(key, { key, etag, size, agent, iteration, modified: new Date(this.store.now()).toISOString() });
  }
}
