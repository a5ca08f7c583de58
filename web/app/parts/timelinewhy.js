// @ts-check
// Why did this happen? The turn that was chosen, and the chain of wakes back to its first cause, as a table.

import { fill, h, said, write } from "../dom.js";
import { latency, plural, timeOfDay } from "../format.js";
import { keyed } from "../list.js";
import { causeWords, chainMs, chainOf } from "../causes.js";
import { threeLines } from "./entryview.js";

/** @import { App } from "../app.js" */
/** @import { Chain, Link } from "../causes.js" */
/** @import { RunLog } from "../runlog.js" */
/** @import { LaneMark } from "../timeline.js" */
/** @import { Waker } from "../types.js" */

const SHOWN = 25;

export class WhyPanel {
  #title = h("h3", { class: "card-title", tabindex: "-1" });
  #about = h("p", { class: "hint" });
  #words = h("div", { class: "why-words" });
  #rows = h("tbody");
  #caption = h("caption", {}, "Why did this happen?");
  #table = h("table", { class: "grid why" }, this.#caption,
    h("thead", {}, h("tr", {}, ...["turn", "at", "woken by", "woke after", "took", "did"].map((name) => h("th", { scope: "col" }, name)))),
    this.#rows);
  #more = h("button", { class: "button button-quiet", onclick: () => this.#longer() }, "Show what came before");
  #empty = h("p", { class: "empty" }, "Choose a turn to see why it happened: its chain of wakes, back to the first cause.");
  #sight = h("div", { class: "why-sight", role: "status" }, this.#title, this.#about);
  element = h("section", { class: "why-panel", "aria-label": "Why did this happen?" }, this.#empty, this.#sight, this.#words,
    h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Chain of wakes" }, this.#table), this.#more);
  #shown = SHOWN;
  #named = "";

  /**
   * @param {App} app
   * @param {(turn: Waker) => void} choose
   * @param {() => void} changed Asks to be drawn again
   */
  constructor(app, choose, changed) {
    this.app = app;
    this.choose = choose;
    this.changed = changed;
  }

  focus() {
    this.#title.focus();
  }

  #longer() {
    this.#shown += SHOWN * 2;
    this.changed();
  }

  /**
   * @param {RunLog} log
   * @param {LaneMark | null} turn
   * @returns {Chain["links"]} The chain as far as it is held
   */
  draw(log, turn) {
    this.#empty.hidden = turn !== null;
    for (const part of [this.#sight, this.#words, this.#table]) part.hidden = turn === null;
    this.#more.hidden = true;
    if (!turn) return [];
    const named = `${turn.agent}/${turn.mark.iteration}`;
    if (named !== this.#named) this.#shown = SHOWN;
    this.#named = named;
    const chain = chainOf({ agent: turn.agent, iteration: turn.mark.iteration }, (agent, iteration) => log.mark(agent, iteration), this.#shown);
    if (chain.open && !chain.long) void log.want(chain.open.agent, chain.open.iteration);
    this.#drawTurn(log, turn, chain);
    keyed(this.#rows, chain.links, ({ agent, mark }) => `${agent}/${mark.iteration}/${mark.end === Infinity}`, (link) => this.#row(link));
    for (const [index, row] of [...this.#rows.children].entries()) {
      const link = chain.links[index];
      if (link) this.#fillIn(log, row, link);
    }
    this.#more.hidden = !chain.open;
    this.#more.disabled = !chain.long;
    write(this.#more, chain.long ? "Show what came before" : "What came before is no longer in the log");
    return chain.links;
  }

  /** @param {RunLog} log @param {LaneMark} turn @param {Chain} chain */
  #drawTurn(log, { agent, mark }, chain) {
    write(this.#title, `Agent ${agent}, turn ${mark.iteration}${mark.end === Infinity ? ", going on" : ""}`);
    const first = chain.links.at(-1);
    const whole = chainMs(chain);
    const hops = chain.links.length - 1;
    const from = chain.open || !first ? `${plural(hops, "wake")} so far` : `${plural(hops, "wake")} from ${causeWords(first.mark.cause)}`;
    write(this.#about, `${from}${whole === null ? "" : `, ${latency(whole)} in all`}`);
    const entry = log.entry(agent, mark.iteration);
    if (!entry && mark.end !== Infinity) void log.want(agent, mark.iteration);
    const key = `${agent}/${mark.iteration}/${Boolean(entry)}`;
    if (this.#words.dataset.key === key) return;
    this.#words.dataset.key = key;
    const files = (entry?.files ?? []).slice(0, 8).map((file) =>
      h("button", { class: "link", onclick: () => this.app.open(file) }, said(file)));
    fill(this.#words, entry && threeLines(entry), files.length > 0 && h("p", { class: "log-files" }, "wrote ", ...files),
      entry?.trace && h("p", { class: "hint" }, "trace ", h("code", {}, said(entry.trace))));
  }

  /** @param {Link} link */
  #row({ agent, mark, wakeMs, others }) {
    const waker = mark.wakers.at(-1);
    const by = waker ? `agent ${waker.agent}'s turn ${waker.iteration}` : causeWords(mark.cause);
    const more = others.slice(-4).map((other) => this.#button(other));
    return h("tr", {},
      h("th", { scope: "row" }, this.#button({ agent, iteration: mark.iteration })),
      h("td", {}, mark.start ? timeOfDay(new Date(mark.start).toISOString()) : ""),
      h("td", { class: waker ? "" : "why-first" }, by, more.length > 0 && h("span", { class: "hint" }, " also ", ...more)),
      h("td", { class: "number" }, wakeMs === null ? "" : latency(wakeMs)),
      h("td", { class: "number" }, mark.end === Infinity ? "…" : latency(mark.end - mark.start)),
      h("td", { class: "why-did" }));
  }

  /** @param {Waker} turn */
  #button(turn) {
    return h("button", { class: "link", onclick: () => this.choose(turn) }, `${turn.agent} · ${turn.iteration}`);
  }

  /** What the turn did, once its words are there. @param {RunLog} log @param {Element} row @param {Link} link */
  #fillIn(log, row, { agent, mark }) {
    const cell = row.lastElementChild;
    if (!cell || cell.firstChild) return;
    const entry = log.entry(agent, mark.iteration);
    if (entry) fill(cell, said(entry.action));
    else if (mark.end !== Infinity) void log.want(agent, mark.iteration);
  }
}
