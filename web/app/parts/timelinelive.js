// @ts-check
// The turns of the run that goes on: read from the logs once, then kept up from what the store hears. Kept while the page is.

import { Emitter } from "../emitter.js";
import { RunLog } from "../runlog.js";
import { stretchesOf } from "../timeline.js";

/** @import { App } from "../app.js" */
/** @import { Stretch } from "../timeline.js" */
/** @import { Pause } from "../types.js" */

/** @type {WeakMap<App, LiveTurns>} */
const kept = new WeakMap();

/** Topics: run, when the log is another one; changed, when what is shown may have changed. */
export class LiveTurns extends Emitter {
  log = new RunLog(() => Promise.resolve({ entries: [], more: false }), []);
  /** @type {unknown} Why the pauses are not known; null if they are. */
  error = null;
  #run = "";
  /** @type {Stretch[]} Those that are over. */
  #over = [];
  #pausedAt = NaN;

  /** The one of this page. @param {App} app @returns {LiveTurns} */
  static of(app) {
    const known = kept.get(app) ?? new LiveTurns(app);
    kept.set(app, known);
    return known;
  }

  /** @param {App} app */
  constructor(app) {
    super();
    this.app = app;
    const { flock } = app;
    for (const topic of ["agents", "run", "snapshot"]) flock.on(topic, () => this.#take());
    flock.on("entries", ({ agent, entries }) => this.log.add(agent, entries));
    flock.on("agent", (id) => this.#hear(id));
    flock.on("control", () => this.#control());
    this.#control();
    this.#take();
  }

  /** When nobody began a turn, this moment included. @returns {Stretch[]} */
  get pauses() {
    return Number.isNaN(this.#pausedAt) ? this.#over : [...this.#over, { from: this.#pausedAt, to: this.app.flock.now() }];
  }

  #take() {
    const { flock } = this.app;
    if (flock.control.state === "checking") return;
    if (this.#run !== flock.control.run || !this.log.lanes.size) this.#begin(flock.control.run);
    this.log.grow([...flock.agents.keys()]);
    for (const id of flock.agents.keys()) this.#hear(id);
  }

  /** @param {string} run */
  #begin(run) {
    const { flock, api } = this.app;
    this.#run = run;
    this.#over = [];
    this.log.close();
    const log = new RunLog((agent, after, limit) => api.log(agent, after, limit), [...flock.agents.keys()]);
    this.log = log;
    for (const topic of ["marks", "words", "loaded"]) log.on(topic, () => this.emit("changed"));
    this.emit("run");
    void log.load(new Map([...flock.newest()].map(([id, newest]) => [id, newest + 1])));
    if (run) void this.#readPauses(run);
  }

  /** @param {number} id */
  #hear(id) {
    const info = this.app.flock.agents.get(id)?.info;
    if (info) this.log.lanes.get(id)?.hear(info, this.app.flock.now());
    this.emit("changed");
  }

  #control() {
    const { state, since } = this.app.flock.control;
    if (state === "paused") this.#pausedAt = Date.parse(since);
    else if (!Number.isNaN(this.#pausedAt)) {
      this.#over.push({ from: this.#pausedAt, to: Date.parse(since) || this.app.flock.now() });
      this.#pausedAt = NaN;
    }
    this.emit("changed");
  }

  /** Those from before this page came. @param {string} run */
  async #readPauses(run) {
    try {
      /** @type {{ pauses?: Pause[] }} */
      const { pauses = [] } = await this.app.api.json("GET", `/cluster/history/${run}`);
      if (run !== this.#run) return;
      const read = stretchesOf(pauses);
      this.#over = [...read, ...this.#over.filter(({ from }) => !read.some((one) => one.from === from))];
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.emit("changed");
  }
}
