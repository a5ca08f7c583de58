// @ts-check
// An agent's whole log, page by page as it is looked at: a bounded part of it is held, the rest is read again.

/** @import { Entry, ReadLog } from "./types.js" */

const PAGE = 50;
const HELD = 24;

export class LogPages {
  /** By number; the one read last stands last. `upTo`: its newest entry when it was read. @type {Map<number, { entries: Map<number, Entry>, upTo: number }>} */
  #pages = new Map();
  /** @type {Set<number>} */
  #asked = new Set();
  /** @type {unknown} Why the last read failed; null if it did not. */
  error = null;

  /**
   * @param {ReadLog} read
   * @param {number} agent
   * @param {() => void} changed Called when more is there
   */
  constructor(read, agent, changed) {
    this.read = read;
    this.agent = agent;
    this.changed = changed;
  }

  /**
   * @param {number} iteration
   * @returns {Entry | null | undefined} undefined while it is being read; null if its line cannot be read
   */
  get(iteration) {
    const number = Math.floor(iteration / PAGE);
    const page = this.#pages.get(number);
    if (page && iteration <= page.upTo) return page.entries.get(iteration) ?? null;
    void this.#read(number);
    return undefined;
  }

  /** Read again what could not be read. */
  again() {
    this.error = null;
    this.changed();
  }

  /** @param {number} number */
  async #read(number) {
    if (this.#asked.has(number) || this.error) return;
    this.#asked.add(number);
    try {
      const { entries } = await this.read(this.agent, number * PAGE - 1, PAGE);
      const mine = entries.filter(({ iteration }) => Math.floor(iteration / PAGE) === number);
      this.#pages.delete(number);
      this.#pages.set(number, { entries: new Map(mine.map((entry) => [entry.iteration, entry])), upTo: mine.at(-1)?.iteration ?? number * PAGE + PAGE - 1 });
      for (const [oldest] of this.#pages) {
        if (this.#pages.size <= HELD) break;
        this.#pages.delete(oldest);
      }
    } catch (error) {
      this.error = error;
    }
    this.#asked.delete(number);
    this.changed();
  }
}
