// @ts-check
// What happened when, an agent a lane: turns, and what was between them. Small records, so that long runs fit. Nothing here draws.

/** @import { AgentInfo, Entry, Pause, Turn, Waker } from "./types.js" */

/**
 * @typedef {object} Mark One turn, without its words. Times in ms since 1970.
 * @property {number} iteration
 * @property {number} start
 * @property {number} end Infinity while it goes on.
 * @property {string} cause
 * @property {readonly Waker[]} wakers
 * @property {number | null} wakeMs From the neighbour's append to the start.
 * @property {boolean} idle
 * @property {boolean} failed
 * @property {readonly string[]} files
 * @property {readonly number[] | null} sees Whom the turn took into account; null where the log does not say.
 */
/** @typedef {"backing-off" | "pacing" | "paused" | "parked" | "missing"} SpanKind */
/** @typedef {{ from: number, to: number }} Stretch Of time, in ms since 1970. */
/** @typedef {Stretch & { kind: SpanKind }} Span What an agent was in between turns; `to` is Infinity while it lasts. */
/** @typedef {{ agent: number, mark: Mark }} LaneMark A turn, and whose it is. */

/** Turns held of a whole run, and of one agent, at most. */
const ALL_TURNS = 200_000;
const LANE_TURNS = 5000;
const LANE_SPANS = 300;
const KINDS = new Set(["backing-off", "pacing", "paused", "parked", "missing"]);
/** @type {readonly never[]} */
const NONE = Object.freeze([]);

/** How many turns of one lane are held where there are `lanes`. @param {number} lanes */
export function keptTurns(lanes) {
  return Math.max(200, Math.min(LANE_TURNS, Math.floor(ALL_TURNS / Math.max(1, lanes))));
}

/** @param {readonly Pause[]} pauses @returns {Stretch[]} */
export function stretchesOf(pauses) {
  return pauses.map(({ since, until }) => ({ from: Date.parse(since), to: Date.parse(until) }));
}

/** @param {Entry} entry @returns {Mark | null} null if its time is none. */
export function markOf(entry) {
  const end = Date.parse(entry.ts);
  if (Number.isNaN(end)) return null;
  return {
    iteration: entry.iteration,
    start: end - Math.max(0, entry.turn_ms ?? 0),
    end,
    cause: entry.cause ?? "",
    wakers: entry.woken_by?.length ? entry.woken_by : NONE,
    wakeMs: entry.wake_ms ?? null,
    idle: entry.state === "idle",
    failed: Boolean(entry.failed),
    files: entry.files?.length ? entry.files : NONE,
    sees: entry.seen ? Object.keys(entry.seen).map(Number) : null,
  };
}

/** One agent's turns, ascending and each once, and the spans between them that somebody saw. */
export class Lane {
  /** @type {Mark[]} */
  marks = [];
  /** @type {Span[]} */
  spans = [];
  /** @type {Mark | null} The turn that goes on. */
  running = null;
  /** Whether older turns were let go. */
  cut = false;

  /** @param {number} most */
  constructor(most = LANE_TURNS) {
    this.most = most;
  }

  /** @param {readonly Entry[]} entries @returns {boolean} Whether any was new. */
  add(entries) {
    let changed = false;
    for (const entry of entries) {
      const mark = markOf(entry);
      if (!mark || (this.cut && entry.iteration < (this.marks[0]?.iteration ?? 0))) continue;
      const at = this.#place(entry.iteration);
      if (this.marks[at]?.iteration === entry.iteration) continue;
      this.marks.splice(at, 0, mark);
      if (this.running && this.running.iteration <= entry.iteration) this.running = null;
      changed = true;
    }
    if (this.marks.length > this.most) {
      this.marks.splice(0, this.marks.length - Math.floor(this.most * 0.8));
      this.cut = true;
    }
    return changed;
  }

  /** @param {AgentInfo} info What is heard of the agent @param {number} now */
  hear(info, now) {
    this.running = info.turn && !this.find(info.turn.iteration) ? runningMark(info.turn) : null;
    const last = this.spans.at(-1);
    if (last && last.to === Infinity) {
      if (last.kind === info.status) return;
      last.to = now;
    }
    if (!KINDS.has(info.status)) return;
    this.spans.push({ kind: /** @type {SpanKind} */ (info.status), from: now, to: Infinity });
    if (this.spans.length > LANE_SPANS) this.spans.shift();
  }

  /** @param {number} iteration @returns {Mark | null} */
  find(iteration) {
    const mark = this.marks[this.#place(iteration)];
    if (mark?.iteration === iteration) return mark;
    return this.running?.iteration === iteration ? this.running : null;
  }

  /** Index of the first turn that ends at or after `time`. @param {number} time */
  firstEnding(time) {
    return lowest(this.marks.length, (index) => (this.marks[index]?.end ?? Infinity) >= time);
  }

  /** How many turns have ended by `time`. @param {number} time */
  endedBy(time) {
    return lowest(this.marks.length, (index) => (this.marks[index]?.end ?? Infinity) > time);
  }

  /** The turn that goes on at `time`, or else the last one before it. @param {number} time @returns {Mark | null} */
  at(time) {
    const mark = this.marks[this.firstEnding(time)] ?? this.running;
    if (mark && mark.start <= time) return mark;
    return this.marks[this.endedBy(time) - 1] ?? null;
  }

  /** Between which turns the agent held back after a failure, as far as the turns tell. @param {number} index @param {number} now @returns {Span | null} */
  retry(index, now) {
    const mark = this.marks[index];
    if (!mark?.failed) return null;
    const next = this.marks[index + 1] ?? this.running;
    return { kind: "backing-off", from: mark.end, to: next?.start ?? Math.min(now, mark.end + 60_000) };
  }

  /** @param {number} iteration Where a turn stands, or would. */
  #place(iteration) {
    const last = this.marks.at(-1);
    if (last && last.iteration < iteration) return this.marks.length;
    return lowest(this.marks.length, (index) => (this.marks[index]?.iteration ?? Infinity) >= iteration);
  }
}

/** @param {Turn} turn @returns {Mark} */
function runningMark(turn) {
  return {
    iteration: turn.iteration, start: Date.parse(turn.since) || 0, end: Infinity, cause: turn.cause, wakers: turn.woken_by ?? NONE, wakeMs: null,
    idle: false, failed: false, files: NONE, sees: null,
  };
}

/** @param {number} count @param {(index: number) => boolean} holds False up to some index, true from there. */
function lowest(count, holds) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const STEPS = [100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5];

/** A round distance between marks of the time axis, at least `least` ms. @param {number} least */
export function tickStep(least) {
  return STEPS.find((step) => step >= least) ?? Math.ceil(least / 864e5) * 864e5;
}

/** Which stretch of time is in sight, and how to move and scale it. */
export class TimeScale {
  /** @param {number} from @param {number} to */
  constructor(from, to) {
    this.from = from;
    this.to = Math.max(to, from + 1);
  }

  get length() {
    return this.to - this.from;
  }

  /** @param {number} time @param {number} width */
  x(time, width) {
    return ((time - this.from) / this.length) * width;
  }

  /** @param {number} x @param {number} width */
  time(x, width) {
    return this.from + (x / width) * this.length;
  }

  /** Scaled by `factor` (below 1: closer) around `time`; never beyond the week or under 50 ms. @param {number} factor @param {number} time */
  zoomed(factor, time) {
    const length = Math.max(50, Math.min(7 * 864e5, this.length * factor));
    const part = (time - this.from) / this.length;
    return new TimeScale(time - part * length, time + (1 - part) * length);
  }

  /** @param {number} part Of its own length; positive: later. */
  moved(part) {
    return new TimeScale(this.from + this.length * part, this.to + this.length * part);
  }

  /** Moved so that some of `first`…`last` stays in sight. @param {number} first @param {number} last */
  kept(first, last) {
    const [least, most] = [first - this.length * 0.9, last + this.length * 0.9];
    if (this.from < least) return new TimeScale(least, least + this.length);
    if (this.to > most) return new TimeScale(most - this.length, most);
    return this;
  }
}
