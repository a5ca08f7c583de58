// @ts-check
// Earlier runs, newest first, each to be opened in the same views or replayed from its beginning.

import { fill, h, said, write } from "../dom.js";
import { clock, dated, plural } from "../format.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { icon } from "../shapes.js";
import { Notice } from "./notice.js";

/** @typedef {{ run: string, started: string, ended?: string, entries: number, files: number, agents?: number, reason?: string, direction?: string }} Run */

const PAGE = 50;
const MOST = 1000;
const ABOUT = "Open a run to see it in the same views: ring, agents, timeline, files. The bar on top moves through its time; its address is a link "
  + "to that moment.";
const NONE = "No earlier run yet: a run comes here when the next one starts (murmur start). In a terminal: murmur history.";

export class View extends Part {
  #present = h("div", { class: "runs" });
  #list = h("ol", { class: "runs", "aria-label": "Earlier runs" });
  #empty = h("p", { class: "empty" });
  #more = h("button", { class: "button", hidden: true, onclick: () => void this.#read(this.#asked * 2) }, "Show more");
  #again = h("button", { class: "button button-quiet", onclick: () => void this.#read(this.#asked) }, "Refresh");
  #notice = new Notice();
  #asked = PAGE;
  /** @type {Run[] | null} */
  #runs = null;

  build() {
    this.classList.add("card");
    fill(this, h("div", { class: "row" }, h("h2", { class: "card-title" }, "History"), this.#again), this.#notice,
      h("p", { class: "hint" }, ABOUT),
      this.#present, this.#empty, this.#list, this.#more);
    this.until(this.app.flock.on("control", () => this.changed()));
    this.until(this.app.flock.on("run", () => void this.#read(this.#asked)));
    this.until(this.app.router.on("run", () => this.changed()));
    void this.#read(PAGE);
  }

  /** @param {number} limit */
  async #read(limit) {
    this.#asked = Math.min(MOST, limit);
    try {
      const { runs, more } = await this.app.api.json("GET", `/cluster/history?limit=${this.#asked}`);
      this.#runs = runs;
      this.#more.hidden = !more || this.#asked >= MOST;
      this.#notice.clear();
    } catch (error) {
      this.#notice.fail(error);
    }
    this.changed();
  }

  draw() {
    const { flock } = this.app;
    const { run, state } = flock.control;
    const present = run ? [run] : [];
    keyed(this.#present, present, (name) => `${name} ${state} ${this.app.router.place.run}`, () => this.#now());
    const runs = (this.#runs ?? []).filter((one) => one.run !== run);
    write(this.#empty, this.#runs === null ? "Reading…" : NONE);
    this.#empty.hidden = runs.length > 0;
    keyed(this.#list, runs, (one) => `${one.run} ${one.entries} ${this.app.router.place.run === one.run}`, (one) => this.#item(one));
  }

  /** The run the flock is in, or was in last. */
  #now() {
    const { flock } = this.app;
    const { run, state, started, since, reason } = flock.control;
    const over = state === "stopped";
    /** @type {Run} */
    const about = {
      run, started, ended: over ? since : "", entries: flock.totals().turns, files: 0, agents: flock.agents.size, reason,
      direction: flock.direction?.text ?? "",
    };
    const words = over ? "the last run" : `the present run, ${state}`;
    return this.#row(about, h("span", { class: "state", "data-state": state }, icon(over ? "circle" : "disc"), words), "div");
  }

  /** @param {Run} run */
  #item(run) {
    return this.#row(run, null, "li");
  }

  /** @param {Run} run @param {Node | null} state @param {"li" | "div"} tag */
  #row(run, state, tag) {
    const { router } = this.app;
    const began = Date.parse(run.started);
    const lasted = (Date.parse(run.ended ?? "") - began) / 1000;
    const open = state && !run.ended ? router.href({ view: "flock", run: "", t: null, agent: null, file: "" })
      : router.href({ view: "flock", run: run.run, t: null, agent: null, file: "" });
    const replay = router.href({ view: "flock", run: run.run, t: Number.isNaN(began) ? 0 : began, agent: null, file: "" });
    return h(tag, { class: `run${router.place.run === run.run ? " is-open" : ""}` },
      h("div", { class: "run-when" }, h("a", { class: "run-name", href: open }, Number.isNaN(began) ? said(run.run) : dated(began)), state),
      h("div", { class: "run-about" },
        said(run.direction || "No direction was noted.", run.direction ? "said run-direction" : "faint"),
        h("p", { class: "faint" }, said(factsOf(run, lasted, state !== null)))),
      h("div", { class: "run-acts" }, h("a", { class: "button", href: open }, "Open"), h("a", { class: "button", href: replay }, "Replay")));
  }
}

/** @param {Run} run @param {number} seconds @param {boolean} present */
function factsOf({ agents = 0, entries, files, reason }, seconds, present) {
  return [
    Number.isNaN(seconds) ? "" : `lasted ${clock(seconds)}`, plural(agents, "agent"), entries || !present ? plural(entries, "turn") : "",
    present ? "" : plural(files, "file"), reason,
  ].filter(Boolean).join(" · ");
}
