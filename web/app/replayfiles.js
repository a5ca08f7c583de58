// @ts-check
// The files of an earlier run as they came to be, and where to read them.

import { Api } from "./api.js";
import { Emitter } from "./emitter.js";

/** @import { FileInfo } from "./types.js" */
/** @import { ReplayStore } from "./replay.js" */
/** @typedef {{ at: number, key: string, agent: number, iteration: number }} Writing */

/** The API, with what an earlier run left in the place of what the flock has now. */
export class RunApi extends Api {
  /** @param {Api} api @param {string} run */
  constructor(api, run) {
    super();
    this.session = api.session;
    /** Before what is read of the run. */
    this.path = `/cluster/history/${encodeURIComponent(run)}`;
  }

  /** @override @param {number} agent @param {number} after */
  log(agent, after, limit = 200) {
    return this.json("GET", `${this.path}/agents/${agent}/log?after=${after}&limit=${limit}`);
  }

  /** @override @param {string} key @param {string} [how] */
  filePath(key, how = "") {
    return key.startsWith("knowledge-base/") ? super.filePath(key, how) : `${this.path}/file?key=${encodeURIComponent(key)}${how ? `&${how}` : ""}`;
  }

  /** @override @param {string} key */
  versionsPath(key) {
    return key.startsWith("knowledge-base/") ? super.versionsPath(key) : `${this.path}/versions?key=${encodeURIComponent(key)}`;
  }

  /** @override */
  zipPath() {
    return `${this.path}/output.zip`;
  }
}

/** As `Files`, at the moment the replay shows. Topic: list. */
export class ReplayFiles extends Emitter {
  /** @type {Map<string, FileInfo>} */
  byKey = new Map();
  /** @type {unknown} */
  error = null;
  loaded = true;
  /** @type {Writing[]} */
  #writings = [];
  #done = 0;
  #at = 0;
  /** @type {Map<string, FileInfo>} As the run left them. */
  #final;

  /** @param {ReplayStore} store @param {readonly FileInfo[]} files */
  constructor(store, files) {
    super();
    this.store = store;
    this.#final = new Map(files.map((file) => [file.key, file]));
    store.on("time", () => this.#show());
    store.log.on("loaded", () => this.#collect());
    this.#collect();
  }

  soon() {}

  /** How often the file was written after the moment shown, so that what can be read is newer than what is shown. @param {string} key */
  later(key) {
    return this.#writings.slice(this.#done).filter((writing) => writing.key === key).length;
  }

  #collect() {
    this.#writings = [...this.store.log.lanes].flatMap(([agent, { marks }]) =>
      marks.flatMap(({ end, iteration, files }) => files.map((key) => ({ at: end, key, agent, iteration }))));
    this.#writings.sort((a, b) => a.at - b.at);
    this.#at = Infinity;
    this.#show();
  }

  /** Files no entry tells of were there from the beginning, as far as anybody knows. */
  #show() {
    const now = this.store.now();
    if (now < this.#at) {
      const told = new Set(this.#writings.map(({ key }) => key));
      this.byKey = new Map([...this.#final].filter(([key]) => !told.has(key)));
      this.#done = 0;
    } else if (!((this.#writings[this.#done]?.at ?? Infinity) <= now)) {
      this.#at = now;
      return;
    }
    this.#at = now;
    /** @type {Map<string, Writing>} */
    const newest = new Map();
    for (let next = this.#writings[this.#done]; next && next.at <= now; next = this.#writings[++this.#done]) newest.set(next.key, next);
    for (const { key, agent, iteration, at } of newest.values()) {
      const { size = 0, etag = "" } = this.#final.get(key) ?? {};
      this.byKey.set(key, { key, size, etag, agent, iteration, modified: new Date(at).toISOString() });
    }
    this.emit("list");
  }
}
