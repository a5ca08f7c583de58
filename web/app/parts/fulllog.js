// @ts-check
// One agent's whole log, newest first. Only the rows in sight exist; the others are room.

import { fill, h } from "../dom.js";
import { LogPages } from "../pages.js";
import { Part } from "../part.js";
import { entryItem } from "./entryview.js";
import { Notice } from "./notice.js";

/** @import { Entry } from "../types.js" */

const GUESS = 96;
const AROUND = 700;

export class FullLog extends Part {
  agent = 0;
  #list = h("ol", { class: "log", "aria-label": "Log, newest first" });
  #notice = new Notice();
  #again = h("button", { class: "button", onclick: () => this.#pages?.again() }, "Try again");
  #empty = h("p", { class: "empty" });
  /** @type {LogPages | null} */
  #pages = null;
  /** Heights of rows that were in sight. @type {Map<number, number>} */
  #heights = new Map();
  #sum = 0;
  /** @type {Map<number, HTMLElement>} */
  #rows = new Map();

  build() {
    this.classList.add("log-scroll");
    this.tabIndex = 0;
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", `Log of agent ${this.agent}`);
    fill(this, this.#empty, this.#list, this.#notice, this.#again);
    this.#pages = this.#fresh();
    this.follow("agents");
    this.until(this.app.store.on("agent", (id) => id === this.agent && this.changed()));
    this.until(this.app.store.on("run", () => this.#restart()));
    this.addEventListener("scroll", () => this.changed(), { passive: true });
    const sized = new ResizeObserver(() => this.#resized());
    sized.observe(this);
    this.until(() => sized.disconnect());
  }

  #fresh() {
    const { reader } = this.app;
    return new LogPages((agent, after, limit) => reader.log(agent, after, limit), this.agent, () => this.changed());
  }

  #restart() {
    this.#pages = this.#fresh();
    this.#resized();
  }

  /** What was measured at another width means nothing. */
  #resized() {
    this.#heights.clear();
    this.#sum = 0;
    this.changed();
  }

  draw() {
    const newest = this.app.store.agents.get(this.agent)?.log.newest ?? -1;
    this.#empty.hidden = newest >= 0;
    this.#empty.textContent = newest < 0 ? "It has written nothing yet. Its first entry appears when its first turn ends." : "";
    const anchor = this.scrollTop > 0 ? this.#anchor() : null;
    const shown = this.#window(newest);
    this.#place(shown, newest);
    this.#measure();
    if (anchor) this.#hold(anchor);
    if (this.#pages?.error) this.#notice.fail(this.#pages.error);
    else this.#notice.clear();
    this.#again.hidden = !this.#pages?.error;
  }

  /** The row that the reader looks at, and where it stands. */
  #anchor() {
    const top = this.getBoundingClientRect().top;
    for (const row of this.#rows.values()) {
      const { bottom, top: at } = row.getBoundingClientRect();
      if (bottom > top) return { row, at };
    }
    return null;
  }

  /** Whatever came above it, the row stays where it was. @param {{ row: HTMLElement, at: number }} anchor */
  #hold({ row, at }) {
    if (!row.isConnected) return;
    const moved = row.getBoundingClientRect().top - at;
    if (Math.abs(moved) > 0.5) this.scrollTop += moved;
  }

  /** @param {number} iteration */
  #height(iteration) {
    return this.#heights.get(iteration) ?? (this.#heights.size ? this.#sum / this.#heights.size : GUESS);
  }

  /** Which rows are in sight, and the room above and below them. @param {number} newest */
  #window(newest) {
    const [from, to] = [this.scrollTop - AROUND, this.scrollTop + this.clientHeight + AROUND];
    /** @type {number[]} */
    const rows = [];
    let [at, before, after] = [0, 0, 0];
    for (let iteration = newest; iteration >= 0; iteration--) {
      const height = this.#height(iteration);
      if (at + height < from) before += height;
      else if (at > to) after += height;
      else rows.push(iteration);
      at += height;
    }
    return { rows, before, after };
  }

  /** @param {{ rows: number[], before: number, after: number }} shown @param {number} newest */
  #place({ rows, before, after }, newest) {
    const held = new Map(this.app.store.agents.get(this.agent)?.log.entries.map((entry) => [entry.iteration, entry]));
    const wanted = new Set(rows);
    for (const [iteration, row] of this.#rows) {
      if (wanted.has(iteration)) continue;
      row.remove();
      this.#rows.delete(iteration);
    }
    const elements = rows.map((iteration) => {
      const row = this.#row(iteration, held.get(iteration) ?? this.#pages?.get(iteration));
      const old = this.#rows.get(iteration);
      if (old && old !== row) old.remove();
      return /** @type {const} */ ([iteration, row]);
    });
    this.#rows = new Map(elements);
    let next = this.#list.firstElementChild;
    for (const [, row] of elements) {
      if (row === next) next = next.nextElementSibling;
      else this.#list.insertBefore(row, next);
    }
    this.#list.style.paddingTop = `${before}px`;
    this.#list.style.paddingBottom = `${after}px`;
    this.#list.setAttribute("aria-description", `${newest + 1} entries`);
  }

  /** @param {number} iteration @param {Entry | null | undefined} entry */
  #row(iteration, entry) {
    const known = this.#rows.get(iteration);
    if (known && (known.dataset.entry !== undefined || entry === undefined || (entry === null && known.dataset.blank !== "…"))) return known;
    const blank = entry === null ? "its line cannot be read" : "…";
    return entry ? entryItem(this.app, entry) : h("li", { class: "log-entry is-waiting", "data-blank": blank }, `#${iteration} ${blank}`);
  }

  /** What was measured makes the estimates of the rest better, so that another look may be due. */
  #measure() {
    const before = this.#heights.size;
    for (const [iteration, row] of this.#rows) {
      if (row.dataset.entry === undefined || this.#heights.has(iteration)) continue;
      const height = row.offsetHeight;
      if (!height) continue;
      this.#heights.set(iteration, height);
      this.#sum += height;
    }
    if (this.#heights.size > 5000) this.#resized();
    else if (this.#heights.size !== before) this.changed();
  }
}
