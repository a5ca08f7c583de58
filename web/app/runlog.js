// @ts-check
// The logs of a whole run, for views that look back: every turn as a small record, words kept for a bounded number and read again on demand.

import { Emitter } from "./emitter.js";
import { Lane, keptTurns, markOf } from "./timeline.js";

/** @import { Entry, ReadLog } from "./types.js" */
/** @import { Mark } from "./timeline.js" */

const PAGE = 50;
const KEPT_PAGES = 600;
const LOAD = 500;
const AT_ONCE = 4;
const AGAIN_MS = 15_000;

/** Topics: marks, when turns came; words, when entries asked for have been read; loaded, when all there was has been read. */
export class RunLog extends Emitter {
  /** @type {Map<number, Lane>} */
  lanes = new Map();
  /** How much of the first reading is done, 0 to 1. */
  progress = 0;
  /** @type {unknown} Why the last reading failed; null if it did not. */
  error = null;
  /** @type {Map<string, Map<number, Entry>>} Newest used last. */
  #pages = new Map();
  /** @type {Map<string, Promise<void>>} */
  #asked = new Map();
  /** When pages were asked for: what is not in the log, or could not be read, is not asked for again and again. @type {Map<string, number>} */
  #tried = new Map();
  /** @type {Map<number, number>} Up to which turn every log has been read without a gap. */
  #readTo = new Map();
  #closed = false;

  /** @param {ReadLog} read @param {readonly number[]} agents */
  constructor(read, agents) {
    super();
    this.read = read;
    this.grow(agents);
  }

  /** Have a lane for each of these. @param {readonly number[]} agents */
  grow(agents) {
    const most = keptTurns(agents.length);
    for (const agent of agents) if (!this.lanes.has(agent)) this.lanes.set(agent, new Lane(most));
    for (const lane of this.lanes.values()) lane.most = most;
  }

  /** End all reading. */
  close() {
    this.#closed = true;
  }

  /**
   * Read the logs, the newest turns of each as far as they are kept.
   * @param {ReadonlyMap<number, number>} counts How many entries every agent's log has
   */
  async load(counts) {
    const waiting = [...counts].filter(([agent]) => this.lanes.has(agent));
    const total = waiting.length || 1;
    let done = 0;
    const worker = async () => {
      for (let next = waiting.shift(); next && !this.#closed; next = waiting.shift()) {
        await this.#loadLane(...next);
        this.progress = ++done / total;
        this.emit("marks");
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.progress = 1;
    this.emit("marks");
    this.emit("loaded");
  }

  /** @param {number} agent @param {number} count */
  async #loadLane(agent, count) {
    const lane = this.lanes.get(agent);
    let after = Math.max(this.#readTo.get(agent) ?? -1, count - 1 - (lane?.most ?? 0));
    if (lane && after >= 0 && !lane.marks.length) lane.cut = true;
    this.#readTo.set(agent, after);
    for (let more = true; more && !this.#closed;) {
      const page = await this.read(agent, after, LOAD);
      this.add(agent, page.entries);
      const last = page.entries.at(-1)?.iteration ?? after;
      more = page.more && last > after;
      after = last;
    }
  }

  /** @param {number} agent @param {readonly Entry[]} entries */
  add(agent, entries) {
    const lane = this.lanes.get(agent);
    if (!lane || !entries.length) return;
    for (const entry of entries) this.#keep(agent, entry);
    const read = this.#readTo.get(agent);
    if (read !== undefined && (entries[0]?.iteration ?? Infinity) <= read + 1) this.#readTo.set(agent, Math.max(read, entries.at(-1)?.iteration ?? read));
    if (lane.add(entries)) this.emit("marks");
  }

  /** @param {number} agent @param {number} iteration @returns {Mark | null} */
  mark(agent, iteration) {
    const entry = this.entry(agent, iteration);
    return this.lanes.get(agent)?.find(iteration) ?? (entry && markOf(entry));
  }

  /** The words of a turn, if they are held. @param {number} agent @param {number} iteration @returns {Entry | null} */
  entry(agent, iteration) {
    return this.#pages.get(pageOf(agent, iteration))?.get(iteration) ?? null;
  }

  /** Make sure the words of a turn are held; tells by topic `words`. @param {number} agent @param {number} iteration @returns {Promise<void>} */
  want(agent, iteration) {
    const name = pageOf(agent, iteration);
    const asked = this.#asked.get(name);
    if (asked) return asked;
    const tried = this.#tried.get(name) ?? -Infinity;
    if (this.entry(agent, iteration) || !this.lanes.has(agent) || performance.now() - tried < AGAIN_MS) return Promise.resolve();
    this.#tried.set(name, performance.now());
    const reading = this.#want(agent, Math.floor(iteration / PAGE) * PAGE).finally(() => this.#asked.delete(name));
    this.#asked.set(name, reading);
    return reading;
  }

  /** @param {number} agent @param {number} first */
  async #want(agent, first) {
    try {
      const { entries } = await this.read(agent, first - 1, PAGE);
      this.add(agent, entries);
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.emit("words");
  }

  /** @param {number} agent @param {Entry} entry */
  #keep(agent, entry) {
    const name = pageOf(agent, entry.iteration);
    const page = this.#pages.get(name) ?? new Map();
    page.set(entry.iteration, entry);
    this.#pages.delete(name);
    this.#pages.set(name, page);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= Math.max(KEPT_PAGES, this.lanes.size * 3)) break;
      this.#pages.delete(oldest);
      this.#tried.delete(oldest);
    }
  }

  /** The time of the first turn held and of the last; null while there is none. @returns {{ first: number, last: number } | null} */
  extent() {
    let [first, last] = [Infinity, -Infinity];
    for (const { marks, running } of this.lanes.values()) {
      first = Math.min(first, marks[0]?.start ?? Infinity, running?.start ?? Infinity);
      last = Math.max(last, marks.at(-1)?.end ?? -Infinity, running?.start ?? -Infinity);
    }
    return first === Infinity ? null : { first, last };
  }
}

/** @param {number} agent @param {number} iteration */
function pageOf(agent, iteration) {
  return `${agent}/${Math.floor(iteration / PAGE)}`;
}
