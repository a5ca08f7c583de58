// @ts-check
// Why an agent acted: in words, and as the chain of wakes back to what set it off.

import { latency } from "./format.js";

/** @import { LaneMark } from "./timeline.js" */
/** @import { Entry, Turn, Waker } from "./types.js" */

/** @type {Record<string, string>} */
const WORDS = {
  start: "the start of the run",
  neighbour: "a neighbour's entry",
  direction: "a new direction",
  directive: "its own directive",
  config: "changed settings",
  resume: "the resumption",
  interval: "its own look after the interval",
  repair: "a wake delivered again after a crash",
};

/** @param {string | undefined} cause */
export function causeWords(cause) {
  return WORDS[cause ?? ""] ?? "an unknown cause";
}

/** @param {Entry | Turn} of */
export function causeOf(of) {
  const wakers = of.woken_by ?? [];
  const ms = "wake_ms" in of && typeof of.wake_ms === "number" ? `, ${latency(of.wake_ms)}` : "";
  const first = wakers[0];
  if (of.cause !== "neighbour" || !first) return `woken by ${causeWords(of.cause)}${ms}`;
  const more = wakers.length > 1 ? ` and ${wakers.length - 1} more` : "";
  return `woken by agent ${first.agent}'s entry ${first.iteration}${more}${ms}`;
}

/**
 * @typedef {LaneMark & { wakeMs: number | null, others: readonly Waker[] }} Link One turn of a chain. `wakeMs`: from the end of the turn
 *   before it in the chain to the start of this one, null for the first cause. `others`: what else woke it.
 */
/**
 * @typedef {object} Chain
 * @property {Link[]} links The turn asked about first, the first cause last.
 * @property {Waker | null} open Where it goes on, if what is held ends before its first cause.
 * @property {boolean} long Whether it was cut at `most`.
 */

/**
 * The chain of wakes that led to a turn. Of several wakers, the one named last is followed: it is what the latency in the log is counted from.
 * @param {Waker} from
 * @param {(agent: number, iteration: number) => LaneMark["mark"] | null} find
 * @param {number} most Links, at most
 * @returns {Chain}
 */
export function chainOf(from, find, most) {
  /** @type {Link[]} */
  const links = [];
  const seen = new Set();
  /** @type {Waker | null} */
  let next = from;
  while (next) {
    const name = `${next.agent}/${next.iteration}`;
    if (seen.has(name)) return { links, open: null, long: false }; // a log that was tampered with: time does not go round
    if (links.length >= most) return { links, open: next, long: true };
    seen.add(name);
    const { agent, iteration } = next;
    const mark = find(agent, iteration);
    if (!mark) return { links, open: next, long: false };
    const waker = /** @type {Waker | undefined} */ (mark.wakers.at(-1));
    const before = waker ? find(waker.agent, waker.iteration) : null;
    links.push({ agent, mark, wakeMs: mark.wakeMs ?? (before ? Math.max(0, mark.start - before.end) : null), others: mark.wakers.slice(0, -1) });
    next = waker ?? null;
  }
  return { links, open: null, long: false };
}

/** From the start of the chain's oldest known turn to the end of its newest, in ms; null while that goes on. @param {Chain} chain */
export function chainMs({ links }) {
  const [newest, oldest] = [links[0], links.at(-1)];
  if (!newest || !oldest || newest.mark.end === Infinity) return null;
  return Math.max(0, newest.mark.end - oldest.mark.start);
}
