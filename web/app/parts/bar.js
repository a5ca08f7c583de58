// @ts-check
// The strip on top: what state the flock is in and why, for how long, what the run has cost so far, and what can be done.

import { fill, h, said, write } from "../dom.js";
import { clock, count } from "../format.js";
import { Part } from "../part.js";
import { icon } from "../shapes.js";
import { flockLook } from "../states.js";
import { FlockActions } from "./actions.js";

/** @type {Record<string, string>} */
const FIGURES = {
  turns: "Turns taken by all agents in this run",
  wakes: "Times an agent was told of a change",
  gated: "Wakes that needed no turn, and cost nothing",
  rescues: "Changes found by an agent itself because no event told of them. Many of them: the events are in trouble",
  repairs: "Hosts that died and were started again in this run",
  spend: "What the runners report to have spent",
};

export class TopBar extends Part {
  #badge = h("span", { class: "badge" });
  #tag = h("span", { class: "tag", title: "A built-in script acts for the agents; no model is behind them" }, "scripted");
  #reason = h("span", { class: "bar-reason" });
  #clock = h("span", { class: "bar-clock", title: "How long this run has lasted" });
  #numbers = new Map(Object.keys(FIGURES).map((name) => [name, h("dd")]));
  #notices = h("div", { class: "bar-notices", role: "status" });
  actions = new FlockActions();

  build() {
    const figures = Object.entries(FIGURES).map(([name, title]) =>
      h("div", { class: `figure figure-${name}`, title }, h("dt", {}, name), this.#numbers.get(name)));
    fill(
      this,
      h("div", { class: "bar-state" }, this.#badge, this.#clock, this.#tag, this.#reason),
      h("dl", { class: "figures", "aria-label": "Counts of this run" }, ...figures),
      this.actions,
      this.#notices,
    );
    this.actions.attach(this.app);
    this.follow("control", "agents", "agent");
    this.until(this.app.on("tick", () => this.changed()));
  }

  draw() {
    const { flock } = this.app;
    this.#drawState();
    const totals = flock.totals();
    const share = totals.wakes ? `${Math.round((totals.gated / totals.wakes) * 100)} %` : "";
    this.#figure("turns", count(totals.turns));
    this.#figure("wakes", count(totals.wakes));
    this.#figure("gated", count(totals.gated), share ? `${FIGURES.gated}: ${share} of all` : FIGURES.gated);
    this.#figure("rescues", count(totals.rescues));
    this.#figure("repairs", flock.hosts ? count(flock.hosts.restarts ?? 0) : "–");
    this.#figure("spend", totals.cost ? `$${totals.cost.toFixed(2)}` : "–", spendOf(totals, flock.about.scripted));
    this.#drawNotices();
    this.#notable("rescues", totals.rescues > 0);
    this.#notable("repairs", Boolean(flock.hosts?.restarts));
  }

  #drawNotices() {
    const { notices } = this.app.flock;
    const shown = notices.slice(0, 3);
    this.#notices.hidden = !shown.length;
    if (this.#notices.dataset.told === shown.join("\n")) return;
    this.#notices.dataset.told = shown.join("\n");
    fill(this.#notices, ...shown.map((notice) => h("p", {}, said(notice))), notices.length > 3 && h("p", {}, `and ${notices.length - 3} more`));
  }

  /** @param {string} name @param {string} value @param {string} [title] */
  #figure(name, value, title) {
    const cell = this.#numbers.get(name);
    if (!cell) return;
    write(cell, value);
    if (title && cell.parentElement) cell.parentElement.title = title;
  }

  /** @param {string} name @param {boolean} notable */
  #notable(name, notable) {
    this.#numbers.get(name)?.parentElement?.classList.toggle("is-notable", notable);
  }

  #drawState() {
    const { flock } = this.app;
    const { state, reason, started, since } = flock.control;
    const look = flockLook(state);
    if (this.#badge.dataset.state !== state) {
      this.#badge.dataset.state = state;
      document.body.dataset.flock = state;
      fill(this.#badge, icon(look.shape), state);
      document.title = state === "checking" ? "Murmur" : `${state} · Murmur`;
    }
    const why = reason || look.hint;
    if (this.#reason.textContent !== why) fill(this.#reason, said(why));
    this.#reason.title = why;
    this.#tag.hidden = !flock.about.scripted;
    const from = Date.parse(started);
    const end = state === "stopped" ? Date.parse(since) : flock.now();
    write(this.#clock, Number.isNaN(from) || Number.isNaN(end) ? "" : clock((end - from) / 1000));
  }
}

/** @param {{ cost: number, tokens: number }} totals @param {boolean | undefined} scripted */
function spendOf({ cost, tokens }, scripted) {
  const used = tokens ? `${count(tokens)} tokens` : "";
  if (cost) return `${FIGURES.spend}${used ? `: ${used}` : ""}`;
  if (scripted) return "No model is behind these agents: nothing is spent";
  return used ? `${used}; the runner reports no price` : "The runner reports no usage, or has had none yet";
}
