// @ts-check
// A run as it stood at any moment, told from its logs in the words the flock itself would use, so that every view can show it.

import { Store } from "./store.js";
import { ringNeighbours } from "./geometry.js";
import { stretchesOf } from "./timeline.js";

/** @import { AgentInfo, AgentState, AgentStatus, Config, Control, Entry, FileInfo, Pause } from "./types.js" */
/** @import { RunLog } from "./runlog.js" */
/** @import { Lane, Mark, Stretch } from "./timeline.js" */
/**
 * @typedef {object} RunDetail GET /cluster/history/{run}.
 * @property {string} run
 * @property {boolean} current Whether it is the flock's own run.
 * @property {string} started
 * @property {string} ended
 * @property {string} reason
 * @property {string} direction
 * @property {Config | null} config
 * @property {Pause[]} pauses
 * @property {{ id: number, entries: number }[]} agents
 * @property {FileInfo[]} files
 * @property {boolean} more
 * @property {string} after
 */

/** Entries of each agent the store is given: what panels and feed show; a whole log is read where it is looked at. */
const SHOWN_ENTRIES = 8;
const FEED = 80;
const STEP_EVENTS = 60;

/** Topic beside the Store's: time, when another moment is shown. */
export class ReplayStore extends Store {
  #at = 0;
  /** Whether words of entries shown are missing yet. */
  #wanting = false;

  /** @param {RunDetail} detail @param {RunLog} log */
  constructor(detail, log) {
    super();
    this.detail = detail;
    this.log = log;
    this.pauses = stretchesOf(detail.pauses);
    log.on("words", () => this.#wanting && this.#build());
    this.control = { ...this.control, run: detail.run };
  }

  /** The moment that is shown. @override */
  now() {
    return this.#at;
  }

  /** As it is told: logs hold no heartbeats, so that nobody is missing for want of one. @override @param {AgentInfo} info */
  statusOf(info) {
    return info.status;
  }

  /** When the run began and ended, as far as it is known. @returns {Stretch} */
  get whole() {
    const extent = this.log.extent();
    const from = Date.parse(this.detail.started) || extent?.first || 0;
    return { from: Math.min(from, extent?.first ?? from), to: Math.max(extent?.last ?? from, Date.parse(this.detail.ended) || 0, from + 1) };
  }

  /** Show the run as it stood at this moment. @param {number} at */
  show(at) {
    const before = this.#at;
    this.#at = Math.max(this.whole.from, Math.min(this.whole.to, at));
    if (this.agents.size !== this.log.lanes.size || this.#at < before || !this.#step(before)) this.#build();
    this.emit("time");
  }

  /** Build everything anew, as when more of the logs has been read. */
  refresh() {
    this.#build();
    this.emit("time");
  }

  /** The next moment after this one at which a turn begins or ends; null if there is none. @returns {number | null} */
  next() {
    let found = Infinity;
    for (const lane of this.log.lanes.values()) {
      const mark = lane.marks[lane.endedBy(this.#at)];
      if (!mark) continue;
      found = Math.min(found, mark.start > this.#at ? mark.start : mark.end);
    }
    return found === Infinity ? null : found;
  }

  /** The last such moment before this one. @returns {number | null} */
  previous() {
    let found = -Infinity;
    for (const lane of this.log.lanes.values()) {
      const index = lane.firstEnding(this.#at);
      const [over, here] = [lane.marks[index - 1], lane.marks[index]];
      found = Math.max(found, over?.end ?? -Infinity, here && here.start < this.#at ? here.start : (over?.start ?? -Infinity));
    }
    return found === -Infinity ? null : found;
  }

  /** Tell what happened since `before`, if it is little. @param {number} before @returns {boolean} */
  #step(before) {
    /** @type {{ id: number, mark: Mark, index: number }[]} */
    const ended = [];
    const touched = [];
    for (const [id, lane] of this.log.lanes) {
      const [from, to] = [lane.endedBy(before), lane.endedBy(this.#at)];
      for (let index = from; index < to; index++) ended.push({ id, mark: /** @type {Mark} */ (lane.marks[index]), index });
      const going = lane.marks[to];
      if (to > from || (going && going.start <= this.#at && going.start > before)) touched.push(id);
      if (ended.length > STEP_EVENTS) return false;
    }
    ended.sort((a, b) => a.mark.end - b.mark.end);
    for (const { id, mark } of ended) this.apply({ type: "entry", agent: id, entries: [this.#words(id, mark)] });
    for (const id of touched) this.apply({ type: "agent", agent: this.#info(id, /** @type {Lane} */ (this.log.lanes.get(id))) });
    const control = this.#control();
    if (control.state !== this.control.state) {
      this.apply({ type: "control", control });
      return false;
    }
    return true;
  }

  #build() {
    this.#wanting = false;
    this.agents.clear();
    const agents = [...this.log.lanes].map(([id, lane]) => this.#info(id, lane));
    const { config, direction } = this.detail;
    this.apply({
      type: "snapshot",
      status: { ...this.#control(), now: new Date(this.#at).toISOString(), runner: String(config?.["runner"] ?? ""), agents },
      direction: { text: direction, etag: "", modified: this.detail.started },
      ...(config ? { config } : {}),
    });
    /** @type {{ agent: number, entry: Entry }[]} */
    const feed = [];
    for (const [id, lane] of this.log.lanes) {
      const to = lane.endedBy(this.#at);
      const entries = lane.marks.slice(Math.max(0, to - SHOWN_ENTRIES), to).map((mark) => this.#words(id, mark));
      this.agents.get(id)?.log.add(entries);
      feed.push(...entries.map((entry) => ({ agent: id, entry })));
    }
    this.feed = feed.sort((a, b) => (a.entry.ts < b.entry.ts ? 1 : -1)).slice(0, FEED);
    for (const topic of ["agents", "feed"]) this.emit(topic);
  }

  /** @returns {Control} */
  #control() {
    const { started, ended, reason, run } = this.detail;
    const over = Date.parse(ended);
    const pause = this.pauses.find(({ from, to }) => from <= this.#at && this.#at < to);
    const state = this.#at >= over ? "stopped" : pause ? "paused" : "running";
    const since = state === "stopped" ? ended : pause ? new Date(pause.from).toISOString() : started;
    return { state, run, reason: state === "stopped" ? reason : "", since, started };
  }

  /** @param {number} id @param {Lane} lane @returns {AgentStatus} */
  #info(id, lane) {
    const to = lane.endedBy(this.#at);
    const [last, previous, going] = [lane.marks[to - 1], lane.marks[to - 2], lane.marks[to]];
    const turn = going && going.start <= this.#at ? going : null;
    const alive = last || turn ? new Date(turn?.start ?? last?.end ?? 0).toISOString() : "";
    const turns = last ? last.iteration + 1 : 0;
    return {
      id,
      name: `agent-${id}`,
      status: this.#status(last, turn),
      evidence: { alive, age_seconds: null },
      detail: "",
      neighbours: this.#neighbours(id, last ?? going),
      inbox: null,
      counters: { turns },
      turn: turn && { iteration: turn.iteration, cause: turn.cause, since: new Date(turn.start).toISOString(), woken_by: [...turn.wakers] },
      last: last ? this.#words(id, last) : null,
      previous: previous ? this.#words(id, previous) : null,
    };
  }

  /** @param {Mark | undefined} last @param {Mark | null} turn @returns {AgentState} */
  #status(last, turn) {
    const { state } = this.#control();
    if (turn) return "turn";
    if (state !== "running") return state === "paused" ? "paused" : "stopped";
    if (!last) return "starting";
    return last.failed ? "backing-off" : last.idle ? "idle" : "waiting";
  }

  /** Who was read: as the settings had it, or as the log says. @param {number} id @param {Mark | undefined} mark @returns {number[]} */
  #neighbours(id, mark) {
    const { config } = this.detail;
    if (config?.["algorithm"] === "amorphous") return ringNeighbours(id, this.log.lanes.size, Number(config["neighbourRadius"]));
    if (config?.["algorithm"] === "mesh") return [...this.log.lanes.keys()].filter((other) => other !== id);
    return [...(mark?.sees ?? [])].sort((a, b) => a - b);
  }

  /** The entry of a turn; without its words until they are read. @param {number} id @param {Mark} mark @returns {Entry} */
  #words(id, mark) {
    const known = this.log.entry(id, mark.iteration);
    if (known) return known;
    this.#wanting = true;
    void this.log.want(id, mark.iteration);
    const { iteration, end, cause, wakers, files } = mark;
    return {
      ts: new Date(end).toISOString(), iteration, action: "…", result: "", next_intent: "", state: mark.idle ? "idle" : "working", cause,
      woken_by: [...wakers], wake_ms: mark.wakeMs, turn_ms: end - mark.start, files: [...files],
    };
  }
}
