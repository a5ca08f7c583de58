// @ts-check
// Why an agent acted, in words.

import { latency } from "./format.js";

/** @import { Entry, Turn } from "./types.js" */

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

/** @param {Entry | Turn} of */
export function causeOf(of) {
  const wakers = of.woken_by ?? [];
  const ms = "wake_ms" in of && typeof of.wake_ms === "number" ? `, ${latency(of.wake_ms)}` : "";
  const first = wakers[0];
  if (of.cause !== "neighbour" || !first) return `woken by ${WORDS[of.cause ?? ""] ?? "an unknown cause"}${ms}`;
  const more = wakers.length > 1 ? ` and ${wakers.length - 1} more` : "";
  return `woken by agent ${first.agent}'s entry ${first.iteration}${more}${ms}`;
}
