// @ts-check
// What the page holds of one agent's log: each iteration once, in order, bounded, and aware of what is missing.

/** @import { Entry } from "./types.js" */

const KEPT = 200;

/** `have`: every entry up to this iteration has been seen, counted from where the page came in; null before that. */
export class EntryLog {
  /** @type {Entry[]} */
  entries = [];
  /** @type {number | null} */
  have = null;
  #dropped = -1;
  #most = KEPT;

  /** Hold at most so many entries from now on; what the page does not hold is read again when it is looked at. @param {number} most */
  keep(most) {
    this.#most = most;
  }

  get newest() {
    return Math.max(this.have ?? -1, this.entries.at(-1)?.iteration ?? -1);
  }

  /** Whether an entry was seen before the one it follows. */
  get gap() {
    return this.have !== null && this.newest > this.have;
  }

  /** Begin here, at the first look: what is older is read on demand. @param {number} iteration */
  begin(iteration) {
    this.have ??= iteration;
  }

  /** A new run began: its log starts at 0 and all of it is wanted. */
  restart() {
    this.entries = [];
    this.have = -1;
    this.#dropped = -1;
  }

  /**
   * @param {readonly (Entry | null | undefined)[]} entries
   * @returns {Entry[]} Those that were not known, oldest first
   */
  add(entries) {
    const fresh = [];
    for (const entry of entries) {
      if (!entry || !Number.isInteger(entry.iteration) || entry.iteration <= this.#dropped) continue;
      const at = this.entries.findLastIndex((known) => known.iteration <= entry.iteration);
      if (this.entries[at]?.iteration === entry.iteration) continue;
      this.entries.splice(at + 1, 0, entry);
      fresh.push(entry);
    }
    this.#advance();
    while (this.entries.length > this.#most) this.#dropped = this.entries.shift()?.iteration ?? this.#dropped;
    return fresh.sort((a, b) => a.iteration - b.iteration);
  }

  /** The server has no more to send up to `iteration`: what is missing below it is missing in the log itself. */
  bridge(/** @type {number} */ iteration) {
    if (this.have !== null && iteration > this.have) this.have = iteration;
    this.#advance();
  }

  #advance() {
    if (this.have === null) return;
    for (const { iteration } of this.entries) if (iteration === this.have + 1) this.have = iteration;
  }
}
